"""Which messages a sample may be drawn from, and what tells them apart; no texts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, Q, QuerySet, Value, When
from django.db.models.functions import Length, TruncWeek

from messaging.models import Connection, Conversation, Message

# More would be held in memory at once; the newest of them are drawn from.
MOST = 200_000
# Values nearer to zero have no polarity.
_FAINT = 0.1
_SHORT, _MIDDLE = 20, 80


@dataclass(frozen=True, slots=True)
class Drawable:
    """A message that customers wrote; the rest is what samples are spread over."""

    message_id: int
    week: datetime
    judged: str
    length: str
    connection_id: int


def drawable_messages(
    since: datetime, until: datetime, connections: Sequence[UUID] = ()
) -> list[Drawable]:
    """Return received texts of talks with persons, the newest first; groups never."""
    rows = _drawable(since, until, connections).order_by("-occurred_at", "-pk")
    return [Drawable(*row) for row in _described(rows)[:MOST]]


def count_drawable(since: datetime, until: datetime, connections: Sequence[UUID] = ()) -> int:
    """Count what `drawable_messages` would return, up to its most."""
    return _drawable(since, until, connections)[:MOST].count()


def connection_names() -> list[tuple[UUID, str]]:
    """Return (id, name) of the connections, for a choice."""
    rows = Connection.objects.filter(removed_at=None).order_by("name")
    return list(rows.values_list("public_id", "name"))


def conversations_of(message_ids: Collection[int]) -> dict[int, int]:
    """Return the conversation of each message that is still there."""
    rows = Message.objects.filter(pk__in=message_ids)
    return dict(rows.values_list("pk", "conversation_id"))


def _drawable(since: datetime, until: datetime, connections: Sequence[UUID]) -> QuerySet[Message]:
    rows = Message.objects.filter(
        direction=Message.Direction.INBOUND,
        conversation__kind=Conversation.Kind.PERSON,
        occurred_at__gte=since,
        occurred_at__lt=until,
        is_hidden=False,
        is_placeholder=False,
        deleted_at=None,
    ).exclude(text="")
    return rows.filter(connection__public_id__in=connections) if connections else rows


def _described(rows: QuerySet[Message]) -> QuerySet[Message, Any]:
    judged = Case(
        When(sentiment=None, then=Value("unknown")),
        When(sentiment__lte=-_FAINT, then=Value("negative")),
        When(sentiment__gte=_FAINT, then=Value("positive")),
        default=Value("neutral"),
    )
    length = Case(
        When(Q(letters__lte=_SHORT), then=Value("short")),
        When(Q(letters__lte=_MIDDLE), then=Value("middle")),
        default=Value("long"),
    )
    annotated = rows.annotate(letters=Length("text")).annotate(
        week=TruncWeek("occurred_at"), judged=judged, length=length
    )
    return annotated.values_list("pk", "week", "judged", "length", "connection_id")
