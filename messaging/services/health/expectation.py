"""Whether a number's silence is unexpected, judged by the same hours of the weeks before.

The counts live in analytics, which is above this app; it offers them through `register_history`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from evosense.core.schema import current_tenant
from messaging.models import Connection
from messaging.services.health.verdict import Finding

# (connection, hours of the tenant's clock) → how many messages came in, absent for none.
History = Callable[[int, Sequence[datetime]], Mapping[datetime, int]]

WEEKS = 4
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
# Fewer in an hour say nothing about a quarter of it.
EXPECTED_AT_LEAST = 5
# Messages that should have come meanwhile; that none of so many comes by chance is one in 3,000.
MISSED = 8.0
# A shorter silence is never looked at; a longer one is not counted further back.
PATIENCE, FURTHEST = timedelta(minutes=10), timedelta(hours=6)

_history: list[History] = []


def register_history(history: History) -> None:
    """Say where hourly counts of inbound messages are; call it in `AppConfig.ready`."""
    _history[:] = [history]


def traffic(connection: Connection, *, now: datetime) -> Finding:
    """Compare the silence since the last inbound message with what is usual at this time."""
    last = connection.last_inbound_at
    if last is None:
        return Finding("traffic", "unknown", "unknown")
    if now - last < PATIENCE:
        return Finding("traffic", "ok", "fine")
    start = max(last, now - FURTHEST)
    usual = usual_hours(connection, start, now)
    if not usual:
        return Finding("traffic", "unknown", "unknown")
    if usual[_hour(now)] < EXPECTED_AT_LEAST:
        return Finding("traffic", "ok", "few")
    if sum(rate * _share(hour, start, now) for hour, rate in usual.items()) < MISSED:
        return Finding("traffic", "ok", "fine")
    return Finding("traffic", "warn", "silent", int((now - last).total_seconds()))


def usual_hours(connection: Connection, start: datetime, end: datetime) -> dict[datetime, float]:
    """Return the median of each hour from `start` to `end`; empty when no week is known."""
    if not _history:
        return {}
    hours = [_hour(start)]
    while hours[-1] < _hour(end):
        hours.append(hours[-1] + HOUR)
    wanted = {(hour, week): hour - WEEK * week for hour in hours for week in range(1, WEEKS + 1)}
    counts = _history[0](connection.pk, list(wanted.values()))
    first = min([connection.created_at, *counts])
    known = [week for week in range(1, WEEKS + 1) if hours[0] - WEEK * week >= _hour(first)]
    if len(known) < 2:  # one week is no habit
        return {}
    return {hour: median(counts.get(wanted[(hour, week)], 0) for week in known) for hour in hours}


def _hour(moment: datetime) -> datetime:
    local = moment.astimezone(ZoneInfo(current_tenant().timezone))
    return local.replace(minute=0, second=0, microsecond=0)


def _share(hour: datetime, start: datetime, end: datetime) -> float:
    """Return how much of the hour lies between the two."""
    spent = min(hour + HOUR, end) - max(hour, start)
    return max(spent.total_seconds(), 0.0) / HOUR.total_seconds()
