"""Putting all kept or failed events of one connection back into the queue at once."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from evosense.core.schema import current_tenant, database_cursor, public_scope
from messaging.ingest.models import WebhookEvent

# One request moves at most this many; the page says so and can be asked again.
MOST = 10_000
STATUSES = {"kept": WebhookEvent.Status.KEPT, "dead": WebhookEvent.Status.DEAD}


def replayable_count(connection_id: UUID, *, statuses: Sequence[str]) -> int:
    """Return how many events `replay_events` would move."""
    rows = _rows(connection_id, statuses)
    with public_scope():
        return rows[:MOST].count()


def replay_events(connection_id: UUID, *, statuses: Sequence[str]) -> int:
    """Let the oldest `MOST` events with these outcomes be read again; returns how many."""
    rows = _rows(connection_id, statuses)
    with public_scope(), transaction.atomic():
        chosen = list(rows.order_by("id").values_list("id", flat=True)[:MOST])
        moved = rows.filter(pk__in=chosen).update(
            status=WebhookEvent.Status.PENDING,
            attempts=0,
            next_attempt_at=timezone.now(),
            processed_at=None,
            error_message="",
        )
        with database_cursor() as cursor:
            cursor.execute("NOTIFY ingest")
    return moved


def _rows(connection_id: UUID, statuses: Sequence[str]) -> QuerySet[WebhookEvent]:
    return WebhookEvent.objects.filter(
        connection_id=connection_id,
        tenant_id=current_tenant().id,
        status__in=[STATUSES[status] for status in statuses],
    )
