"""Periodic work of the installation itself; it belongs to no tenant."""

from celery import shared_task

from evosense.core import outbox
from evosense.core.setup import run_setup_steps


@shared_task(tenant_required=False, queue="maintenance")
def repeat_setup_steps() -> None:
    """Make tomorrow's partitions and whatever else apps registered."""
    run_setup_steps()


@shared_task(tenant_required=False, queue="maintenance")
def purge_outbox() -> None:
    """Delete news that everybody has had for a week."""
    outbox.purge()
