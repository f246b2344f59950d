"""What is looked after at connections once a day."""

from uuid import UUID

from celery import shared_task

from evosense.core.errors import NotFound
from messaging.models import Connection
from messaging.services.lifecycle import verify_webhook
from tenancy.db.tickets import fair_enqueue


@shared_task(name="messaging.verify_webhooks")
def verify_webhooks() -> None:
    """Have the webhook of every connection compared with ours; each in its own fair turn."""
    rows = Connection.objects.filter(removed_at=None, is_active=True, server_id__isnull=False)
    for public_id in rows.order_by("pk").values_list("public_id", flat=True):
        fair_enqueue("maintenance", verify_one_webhook, public_id=str(public_id))


@shared_task(name="messaging.verify_webhook", expires=86_400)
def verify_one_webhook(public_id: str) -> None:
    """Compare one webhook and repair it; a connection that was removed meanwhile is fine."""
    try:
        verify_webhook(UUID(public_id))
    except NotFound:
        return
