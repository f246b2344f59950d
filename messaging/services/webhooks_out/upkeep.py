"""What is swept: lost tickets, deliveries of endpoints that are off, old ones."""

from datetime import timedelta

from django.utils import timezone

from messaging.models import WebhookDelivery
from messaging.services.webhooks_out import claims
from messaging.services.webhooks_out.disabling import DISABLED
from messaging.services.webhooks_out.noting import wake

State = WebhookDelivery.State
KEPT = timedelta(days=30)
AT_ONCE = 1000


def sweep() -> None:
    """Call for what is due: retries, lost tickets, claims of dead workers."""
    now = timezone.now()
    left = WebhookDelivery.objects.filter(
        endpoint__is_active=False, state__in=claims.WAITING, next_at__lte=now
    )
    left.update(state=State.DROPPED, next_at=None, finished_at=now, last_error=DISABLED)
    if claims.due(now).exists():
        wake()


def forget_old() -> int:
    """Delete deliveries after their time, in bounded batches; returns how many."""
    before, deleted = timezone.now() - KEPT, 0
    while True:
        rows = WebhookDelivery.objects.filter(created_at__lt=before).exclude(
            state__in=claims.WAITING
        )
        batch = list(rows.order_by("created_at").values_list("pk", flat=True)[:AT_ONCE])
        deleted += WebhookDelivery.objects.filter(pk__in=batch).delete()[0]
        if len(batch) < AT_ONCE:
            return deleted
