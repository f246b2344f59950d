"""How many messages there were, for counters kept elsewhere. Hidden containers never count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Min, Q
from django.db.models.functions import TruncHour

from evosense.core.schema import current_tenant
from messaging.models import Message

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class HourCount:
    """Messages of one connection and direction in one hour of the tenant's clock."""

    connection_id: int
    hour: datetime
    direction: str
    count: int
    conversations: int


def hours_of(*, message_ids: Sequence[int]) -> list[datetime]:
    """Return the hours in which these messages happened, in order, each once."""
    rows = (
        Message.objects.filter(pk__in=message_ids)
        .annotate(hour=TruncHour("occurred_at", tzinfo=_zone()))
        .order_by("hour")
        .values_list("hour", flat=True)
        .distinct()
    )
    return list(rows)


def counts_per_hour(*, start: datetime, end: datetime) -> list[HourCount]:
    """Return the counts from `start` up to, not including, `end`; empty hours have no row."""
    rows = (
        Message.objects.filter(occurred_at__gte=start, occurred_at__lt=end, is_hidden=False)
        .annotate(hour=TruncHour("occurred_at", tzinfo=_zone()))
        .values("connection_id", "hour", "direction")
        .annotate(count=Count("pk"), conversations=Count("conversation_id", distinct=True))
        .order_by()
    )
    return [HourCount(**row) for row in rows]


def count_between(*, start: datetime, end: datetime) -> dict[str, int]:
    """Return how many messages each direction had, to the second."""
    return Message.objects.filter(
        occurred_at__gte=start, occurred_at__lt=end, is_hidden=False
    ).aggregate(
        inbound=Count("pk", filter=Q(direction=Message.Direction.INBOUND)),
        outbound=Count("pk", filter=Q(direction=Message.Direction.OUTBOUND)),
    )


def message_span() -> tuple[datetime, datetime] | None:
    """Return the hours of the first and the last message, None when there is no message."""
    found = Message.objects.aggregate(first=Min("occurred_at"), last=Max("occurred_at"))
    if found["first"] is None:
        return None
    return _hour(found["first"]), _hour(found["last"])


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(_zone()).replace(minute=0, second=0, microsecond=0)


def _zone() -> ZoneInfo:
    return ZoneInfo(current_tenant().timezone)
