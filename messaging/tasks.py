"""Periodic work inside a tenant."""

from celery import shared_task

from messaging.services.parking import delete_expired


@shared_task(name="messaging.expire_parked", allow_suspended=True)
def expire_parked() -> None:
    """Give up on effects whose message never came."""
    delete_expired()
