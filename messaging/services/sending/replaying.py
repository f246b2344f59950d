"""Queueing again, at once, what failed at a connection and may be repeated without harm."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from messaging.gateway import lanes
from messaging.gateway.capabilities import Capabilities
from messaging.ingest.apply import lock_key
from messaging.models import Connection, Conversation, Message, Outgoing
from messaging.selectors.connections import connection_model
from messaging.services.sending.queueing import announce
from messaging.services.sending.refusals import capabilities_of, refuse
from messaging.sql import Sql
from tenancy.services import audit

OVER = (Outgoing.State.FAILED, Outgoing.State.DEAD)
REACHED = (Message.Status.DELIVERED, Message.Status.READ, Message.Status.PLAYED)
# How a row looks that waits for its first attempt since somebody asked for it.
AFRESH: dict[str, Any] = {
    "state": Outgoing.State.QUEUED,
    "failure": None,
    "finished_at": None,
    "sent_at": None,
    "holds_until": None,
    "attempt_token": None,
    "absences": 0,
    "absent_since": None,
    "passing_faults": 0,
}
# One request queues at most so many; it can be repeated.
MOST = 500
# Older failures than these are decided about one by one.
_LOOKED_AT = 5_000
# Given up although it may have left: only a look at the phone can tell.
_IN_DOUBT = "unresolved"


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many were queued again, and how many (counted up to `MOST`) still could be."""

    replayed: int
    remaining: int


def replayable_count(connection: Connection) -> int:
    """Return how many failures of a connection `replay_failed` would queue, up to `MOST`."""
    return _replayable(connection, capabilities_of(connection))[:MOST].count()


def replay_failed(connection_id: UUID) -> Replayed:
    """Queue again the oldest failures of a connection for which a repetition may help.

    What may have left already, what has expired and what its server cannot send stay as they are.
    Asking twice queues nothing twice: what is queued has not failed. Raises NotFound, or Conflict
    where nothing would be sent.
    """
    connection = connection_model(connection_id)
    with transaction.atomic():
        # Locks in the order of everybody else: the line, intents, messages, conversations, lane.
        Sql().rows("SELECT pg_advisory_xact_lock(%s)", [lock_key(connection_id)])
        able = refuse(connection, Outgoing.Kind.TEXT, may_wait=True)
        chosen = _replayable(connection, able).order_by("pk")
        rows = list(chosen.select_for_update(of=("self",))[:MOST])
        if rows:
            _queue(rows)
            _note(connection, len(rows))
            announce(rows, Outgoing.State.QUEUED)
            lanes.wake(connection_id)
    return Replayed(len(rows), _replayable(connection, able)[:MOST].count())


def _replayable(connection: Connection, able: Capabilities | None) -> QuerySet[Outgoing]:
    is_told = able is not None and able.version
    kinds = [kind for kind in Outgoing.Kind if not (is_told and able and able.can_send(kind.value))]
    newest = Outgoing.objects.filter(connection_id=connection.pk, state__in=OVER).order_by("-pk")
    return (
        Outgoing.objects.filter(pk__in=newest.values("pk")[:_LOOKED_AT])
        .filter(state__in=OVER, failure__can_retry=True, kind__in=kinds)
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now()))
        .filter(Q(message__isnull=True) | ~Q(message__status__in=REACHED))
        .exclude(failure__code=_IN_DOUBT)
    )


def _queue(rows: list[Outgoing]) -> None:
    now = timezone.now()
    Outgoing.objects.filter(pk__in=[row.pk for row in rows]).update(next_at=now, **AFRESH)
    bubbles = [row.message_id for row in rows if row.message_id]
    Message.objects.filter(pk__in=bubbles).update(
        status=Message.Status.PENDING, status_at=now, failure=None
    )
    Conversation.objects.filter(last_message_id__in=bubbles).update(
        preview_status=Message.Status.PENDING
    )


def _note(connection: Connection, count: int) -> None:
    audit.record(
        "messages.replayed",
        object_type="connection",
        object_id=connection.public_id,
        object_label=connection.name,
        changes={"messages": [0, count]},
    )
