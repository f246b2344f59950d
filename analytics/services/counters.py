"""Keeps MessageHour equal to what the messages say, by counting whole hours again."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zlib import crc32

from django.db import transaction

from analytics.models import MessageHour
from evosense.core.schema import database_cursor, require_tenant_schema
from messaging.selectors import volume

# One transaction of a rebuild; short enough that live recounts never wait long for the lock.
REBUILD_STEP = timedelta(days=14)


def recount_messages(*, message_ids: Sequence[int]) -> int:
    """Count the hours again in which these messages happened; returns how many hours.

    Counting instead of adding makes a repeated event harmless.
    """
    hours = volume.hours_of(message_ids=message_ids)
    for start, end in _runs(hours):
        recount_between(start=start, end=end)
    return len(hours)


def recount_between(*, start: datetime, end: datetime) -> int:
    """Replace the counters from `start` up to `end`, both full hours; returns rows written."""
    with transaction.atomic():
        _serialise()
        MessageHour.objects.filter(hour__gte=start, hour__lt=end).delete()
        counts = volume.counts_per_hour(start=start, end=end)
        MessageHour.objects.bulk_create(
            MessageHour(
                connection_id=row.connection_id,
                hour=row.hour,
                direction=row.direction,
                count=row.count,
                conversations=row.conversations,
            )
            for row in counts
        )
    return len(counts)


def rebuild() -> dict[str, int]:
    """Count every hour again that still has messages; returns how many rows were written.

    Hours before the first message stay: retention deleted what they counted.
    """
    span = volume.message_span()
    if span is None:
        return {"rows": 0}
    start, end = span[0], span[1] + volume.HOUR
    rows = 0
    while start < end:
        stop = min(start + REBUILD_STEP, end)
        rows += recount_between(start=start, end=stop)
        start = stop
    return {"rows": rows}


def _serialise() -> None:
    """Let one recount of this tenant run at a time.

    Otherwise one that counted before another's messages committed could write after it.
    """
    key = crc32(f"analytics.counters:{require_tenant_schema()}".encode())
    with database_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def _runs(hours: Iterable[datetime]) -> list[tuple[datetime, datetime]]:
    """Join hours that follow each other into (start, end)."""
    runs: list[tuple[datetime, datetime]] = []
    for hour in hours:
        if runs and runs[-1][1] == hour:
            runs[-1] = (runs[-1][0], hour + volume.HOUR)
        else:
            runs.append((hour, hour + volume.HOUR))
    return runs
