"""Effects that wait for their message, and the end of waiting."""

from django.utils import timezone

from messaging.models import ParkedEffect

BATCH = 5_000


def delete_expired() -> int:
    """Delete what has waited too long, in bounded batches; returns how many."""
    deleted = 0
    while True:
        expired = ParkedEffect.objects.filter(expires_at__lt=timezone.now()).order_by("expires_at")
        batch = list(expired.values_list("pk", flat=True)[:BATCH])
        deleted += ParkedEffect.objects.filter(pk__in=batch).delete()[0]
        if len(batch) < BATCH:
            return deleted
