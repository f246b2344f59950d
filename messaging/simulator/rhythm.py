"""When people write: working hours, a lunch dip, busy Mondays, São Paulo time."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta, timezone
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from messaging.simulator.dice import Dice

# Brazil has had no daylight saving since 2019; a fixed offset is exact and much faster.
SAO_PAULO = timezone(timedelta(hours=-3), "America/Sao_Paulo")

WEEKDAY = (1.35, 1.12, 1.0, 0.98, 1.05, 0.5, 0.12)
HOUR = (
    (0.01,) * 6
    + (0.03, 0.18, 0.62, 1.1, 1.35, 1.25, 0.58, 0.72, 1.2, 1.28, 1.15, 0.9)
    + (0.42, 0.26, 0.2, 0.13, 0.06, 0.03)
)
OPEN_MINUTE = 8 * 60 + 30
CLOSE_MINUTE = 18 * 60 + 30
SATURDAY = (9 * 60, 13 * 60)


class Calendar:
    """Draws instants between two dates, with the weight of each hour of the week."""

    def __init__(self, start: float, end: float) -> None:
        self._start = start
        self._end = end
        span = max(self._end - self._start, 1.0)
        weights = []
        for index in range(int(span // 3600) + 1):
            at = datetime.fromtimestamp(self._start + index * 3600, SAO_PAULO)
            growth = 0.9 + 0.25 * index * 3600 / span
            weights.append(WEEKDAY[at.weekday()] * HOUR[at.hour] * growth)
        self._marks = list(accumulate(weights))

    def draw(self, die: Dice) -> float:
        hour = bisect_left(self._marks, die.random() * self._marks[-1])
        return min(self._start + hour * 3600 + die.random() * 3600, self._end)


def opening(at: float) -> float:
    """The same instant when the shop is open, else the next opening."""
    local = datetime.fromtimestamp(at, SAO_PAULO)
    for ahead in range(8):
        day = local + timedelta(days=ahead)
        hours = _hours_of(day.weekday())
        if hours is None:
            continue
        minute = local.hour * 60 + local.minute if ahead == 0 else 0
        if minute < hours[1]:
            if hours[0] <= minute:
                return at
            midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
            return midnight.timestamp() + hours[0] * 60
    return at


def local_hour(at: float) -> int:
    return datetime.fromtimestamp(at, SAO_PAULO).hour


def is_open(at: float) -> bool:
    return opening(at) == at


def _hours_of(weekday: int) -> tuple[int, int] | None:
    if weekday == 6:
        return None
    return SATURDAY if weekday == 5 else (OPEN_MINUTE, CLOSE_MINUTE)


def wall_clock(at: float) -> str:
    """Evolution's `date_time`: local time with a false `Z`."""
    local = datetime.fromtimestamp(at, SAO_PAULO)
    return local.strftime("%Y-%m-%dT%H:%M:%S.") + f"{local.microsecond // 1000:03d}Z"


def iso_utc(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
