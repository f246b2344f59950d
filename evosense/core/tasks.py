"""Periodic work of the installation itself; it belongs to no tenant."""

from celery import shared_task

from evosense.core import outbox


@shared_task(name="core.purge_outbox", tenant_required=False, expires=3600)
def purge_outbox() -> None:
    """Delete news that everybody has had for a week."""
    outbox.purge()
