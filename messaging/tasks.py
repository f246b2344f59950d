"""Periodic work inside a tenant, and over all of them."""

from celery import shared_task

from messaging.connection_tasks import verify_one_webhook, verify_webhooks
from messaging.services.parking import delete_expired
from messaging.services.presence import show_typing
from messaging.services.usage import refresh_usage as refresh

# Their tasks are registered by being known here.
__all__ = [
    "expire_parked",
    "refresh_usage",
    "show_typing",
    "verify_one_webhook",
    "verify_webhooks",
]


@shared_task(name="messaging.expire_parked", allow_suspended=True)
def expire_parked() -> None:
    """Give up on effects whose message never came."""
    delete_expired()


@shared_task(name="messaging.refresh_usage", tenant_required=False, expires=290)
def refresh_usage() -> None:
    """Keep the operators' numbers of every company young."""
    refresh()
