"""Putting raw events back into the queue, after whatever kept them out was mended.

Applying an event twice changes nothing; one that is done or waiting is still refused, because
whoever asks believes something else about it.
"""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.postgres.functions import TransactionNow
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict
from evosense.core.schema import current_tenant, database_cursor, public_scope
from messaging.ingest.models import WebhookEvent
from messaging.selectors.connections import connection_model
from messaging.selectors.raw_events import raw_event_model
from tenancy.services import audit

# One request moves at most this many; the page says so and can be asked again.
MOST = 10_000
STATUSES = {"kept": WebhookEvent.Status.KEPT, "dead": WebhookEvent.Status.DEAD}


def replay_event(connection_id: UUID, event_id: str) -> None:
    """Make one kept or failed event wait again, with all its attempts; raises Conflict."""
    event = raw_event_model(connection_id, event_id)
    rows = _replayable(connection_id, list(STATUSES))
    tenant_id, name = current_tenant().id, connection_model(connection_id).name
    with public_scope(), transaction.atomic():
        if not requeue(rows.filter(received_at=event.received_at, pk=event.pk)):
            message = _("Only events that were kept or gave up can be replayed.")
            raise Conflict("event_not_replayable", message)
        _note(tenant_id, connection_id, name, 1)


def replayable_count(connection_id: UUID, *, statuses: Sequence[str]) -> int:
    """Return how many events `replay_events` would move."""
    rows = _replayable(connection_id, statuses)
    with public_scope():
        return rows[:MOST].count()


def replay_events(connection_id: UUID, *, statuses: Sequence[str]) -> int:
    """Let the oldest `MOST` events with these outcomes be read again; returns how many."""
    rows = _replayable(connection_id, statuses)
    tenant_id, name = current_tenant().id, connection_model(connection_id).name
    with public_scope(), transaction.atomic():
        chosen = list(rows.order_by("id").values_list("id", flat=True)[:MOST])
        moved = requeue(rows.filter(pk__in=chosen))
        if moved:
            _note(tenant_id, connection_id, name, moved)
    return moved


def _note(tenant_id: UUID, connection_id: UUID, name: str, count: int) -> None:
    audit.record(
        "events.replayed",
        object_type="connection",
        object_id=connection_id,
        object_label=name,
        changes={"events": [0, count]},
        tenant_id=tenant_id,
    )


def _replayable(connection_id: UUID, statuses: Sequence[str]) -> QuerySet[WebhookEvent]:
    # The body of one that was too large was never kept.
    return WebhookEvent.objects.filter(
        connection_id=connection_id,
        tenant_id=current_tenant().id,
        status__in=[STATUSES[status] for status in statuses],
    ).exclude(flag="oversize")


def requeue(rows: QuerySet[WebhookEvent]) -> int:
    """Make these events wait again, with all their attempts; workers wake at the commit."""
    moved = rows.update(
        status=WebhookEvent.Status.PENDING,
        attempts=0,
        next_attempt_at=TransactionNow(),
        processed_at=None,
        processing_time_ms=None,
        error_message="",
    )
    with database_cursor() as cursor:
        cursor.execute("NOTIFY ingest")
    return moved
