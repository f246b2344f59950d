"""Message counts folded into days and hours of the tenant's clock.

One query reads what every card and chart of a page needs; the rest is arithmetic. None means that
nothing is known (before the first message, or still to come) and is drawn as a gap.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Sum

from analytics.models import MessageHour
from evosense.core.schema import current_tenant

DAY = timedelta(days=1)
HOURS = range(24)


@dataclass(frozen=True, slots=True)
class Slot:
    """One hour of one local day."""

    day: date
    hour: int


@dataclass(frozen=True)
class Ledger:
    """Counts per direction and local hour, known from `first` up to `now`."""

    now: datetime
    first: Slot | None
    counts: dict[str, dict[Slot, int]] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.now.date()

    def at(self, direction: str, slot: Slot) -> int | None:
        """Return the count of one hour, None when it lies outside of what is known."""
        if self.first is None or not self._is_known(slot):
            return None
        return self.counts.get(direction, {}).get(slot, 0)

    def hours(self, direction: str, day: date) -> list[int | None]:
        return [self.at(direction, Slot(day, hour)) for hour in HOURS]

    def day_total(self, direction: str, day: date) -> int | None:
        return _sum(self.hours(direction, day))

    def days(self, direction: str, *, last: date, count: int) -> list[int | None]:
        return [self.day_total(direction, day) for day in days_up_to(last, count)]

    def total(self, direction: str, *, last: date, count: int, until_hour: int = 24) -> int | None:
        """Return the sum over `count` days, the last of them only before `until_hour`."""
        before = self.days(direction, last=last - DAY, count=count - 1)
        return _sum([*before, *self.hours(direction, last)[:until_hour]])

    def usual_day(self, direction: str, *, last: date, count: int) -> list[float | None]:
        """Return the mean of each hour over the days that have it."""
        days = [self.hours(direction, day) for day in days_up_to(last, count)]
        return [_mean(column) for column in zip(*days, strict=True)]

    def _is_known(self, slot: Slot) -> bool:
        if self.first is None:
            return False
        here, now = (slot.day, slot.hour), (self.now.date(), self.now.hour)
        return (self.first.day, self.first.hour) <= here <= now


def days_up_to(last: date, count: int) -> list[date]:
    """Return `count` days that end with `last`."""
    return [last - DAY * back for back in range(count - 1, -1, -1)]


def ledger(*, now: datetime, days: int) -> Ledger:
    """Read the last `days` days; `now` may be in any zone."""
    zone = ZoneInfo(current_tenant().timezone)
    local = now.astimezone(zone)
    start = (local - DAY * days).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = (
        MessageHour.objects.filter(hour__gte=start, hour__lte=now)
        .values("hour", "direction")
        .annotate(total=Sum("count"))
        .order_by()
    )
    counts: dict[str, dict[Slot, int]] = defaultdict(dict)
    for row in rows:
        counts[row["direction"]][_slot(row["hour"], zone)] = row["total"]
    first = MessageHour.objects.order_by("hour").values_list("hour", flat=True).first()
    return Ledger(local, _slot(first, zone) if first else None, dict(counts))


def inbound_by_hour(connection_id: int, hours: Sequence[datetime]) -> dict[datetime, int]:
    """Return how many messages came in on a connection in each of these hours; none is absent."""
    rows = MessageHour.objects.filter(
        hour__in=hours, connection_id=connection_id, direction="inbound"
    )
    return dict(rows.values_list("hour", "count"))


def _slot(moment: datetime, zone: ZoneInfo) -> Slot:
    local = moment.astimezone(zone)
    return Slot(local.date(), local.hour)


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _mean(values: Iterable[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
