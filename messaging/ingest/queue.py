"""The bronze log as a queue: which lines wait, a fair piece of one, and what became of it."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from evosense.core.schema import database_cursor, public_scope
from messaging.ingest.apply import Item, RawEvent
from messaging.sql import Sql, array, columns

LIVE, HISTORY = 0, 1
# Stored (compressed) bytes of one turn: history chunks have megabytes, and 200 would not fit.
MOST_BYTES = 4_000_000
# The gap after each failed attempt; one more failure than gaps is the end.
GAPS = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
)
MOST_ATTEMPTS = len(GAPS) + 1

# Jumps from line to line in the partial index; DISTINCT would walk the whole backlog.
_WAITING = """
WITH RECURSIVE line AS (
    (SELECT tenant_id, connection_id, lane FROM public.webhook_events
     WHERE status = 0 ORDER BY tenant_id, connection_id, lane LIMIT 1)
    UNION ALL
    SELECT following.* FROM line CROSS JOIN LATERAL (
        SELECT e.tenant_id, e.connection_id, e.lane FROM public.webhook_events e
        WHERE e.status = 0
          AND (e.tenant_id, e.connection_id, e.lane)
            > (line.tenant_id, line.connection_id, line.lane)
        ORDER BY e.tenant_id, e.connection_id, e.lane LIMIT 1
    ) following
)
SELECT tenant_id, connection_id, lane FROM line
"""
# Bodies between the two ids were fetched before, for reading ahead.
_TAKE = """
SELECT id, received_at, CASE WHEN id BETWEEN %s AND %s THEN '' ELSE body END, attempts FROM (
    SELECT id, received_at, body, attempts,
           sum(pg_column_size(body)) OVER (ORDER BY id) - pg_column_size(body) AS before
    FROM (
        SELECT id, received_at, body, attempts FROM public.webhook_events
        WHERE status = 0 AND tenant_id = %s AND connection_id = %s AND lane = %s
          AND next_attempt_at <= now() AND id > %s
        ORDER BY id LIMIT %s
    ) first
) sized WHERE before < %s ORDER BY id
"""
_TAKE_AGAIN = """
SELECT e.id, e.received_at, e.body, e.attempts FROM public.webhook_events e
JOIN unnest(%s::bigint[], %s::timestamptz[]) AS t (id, received_at)
  ON e.id = t.id AND e.received_at = t.received_at
WHERE e.status = 0 AND e.tenant_id = %s ORDER BY e.id
"""
# The range lets the planner leave out the other days' partitions.
_MARK = """
UPDATE public.webhook_events e SET
    status = t.status, error_message = t.error, processed_at = now(), processing_time_ms = %s,
    flag = CASE WHEN e.flag = 'oversize' THEN e.flag ELSE t.flag END
FROM unnest(%s::bigint[], %s::timestamptz[], %s::int[], %s::text[], %s::text[])
    AS t (id, received_at, status, flag, error)
WHERE e.id = t.id AND e.received_at = t.received_at AND e.received_at BETWEEN %s AND %s
"""
# Nearly always all rows of a turn end alike; the index of the line's newest rows leads to them.
_MARK_ALIKE = """
UPDATE public.webhook_events SET
    status = %s, error_message = %s, processed_at = now(), processing_time_ms = %s,
    flag = CASE WHEN flag = 'oversize' THEN flag ELSE %s END
WHERE connection_id = %s AND id = ANY(%s::bigint[]) AND received_at BETWEEN %s AND %s
"""
_FAIL = """
UPDATE public.webhook_events SET
    attempts = attempts + 1, next_attempt_at = %s, error_message = %s,
    status = CASE WHEN attempts + 1 >= %s THEN 3 ELSE status END,
    processed_at = CASE WHEN attempts + 1 >= %s THEN now() ELSE processed_at END
WHERE id = %s AND received_at = %s AND status = 0
"""


@dataclass(frozen=True, slots=True)
class LineOfWork:
    """One lane of one connection."""

    tenant_id: UUID
    connection_id: UUID
    lane: int


def waiting_lines() -> list[LineOfWork]:
    """Return every lane that has something pending."""
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_WAITING)
        return [LineOfWork(*row) for row in cursor.fetchall()]


def take(
    sql: Sql, line: LineOfWork, limit: int, known: Mapping[int, RawEvent] | None = None
) -> list[RawEvent]:
    """Return the oldest pending events of a line; the caller holds the line's lock.

    `known` are events that were read ahead: their rows need not bring the body again.
    """
    known = known or {}
    found = _take(sql, line, limit, skip=(min(known, default=0), max(known, default=0)))
    found = _with_bodies(sql, line, found, known)
    # One that failed before is tried alone, so that it costs the others nothing.
    if found and found[0].attempts:
        return found[:1]
    return _untried(found)


def _with_bodies(
    sql: Sql, line: LineOfWork, found: list[RawEvent], known: Mapping[int, RawEvent]
) -> list[RawEvent]:
    """Put the events read ahead in their rows' place; fetch what came or failed in between."""
    if not known:
        return found
    bare = {one.id for one in found if not one.body}
    late = [one for one in found if one.id in bare and (one.id not in known or one.attempts)]
    read = {**known, **{one.id: one for one in take_again(sql, line.tenant_id, late)}}
    return [read[one.id] if one.id in bare else one for one in found]


def following(sql: Sql, line: LineOfWork, taken: Sequence[RawEvent], limit: int) -> list[RawEvent]:
    """Return what the next turn of the line will most likely take, without taking it."""
    return _untried(_take(sql, line, limit, after=taken[-1].id))


def _take(
    sql: Sql, line: LineOfWork, limit: int, *, after: int = 0, skip: tuple[int, int] = (0, 0)
) -> list[RawEvent]:
    values = [*skip, line.tenant_id, line.connection_id, line.lane, after, limit, MOST_BYTES]
    return [RawEvent(*row) for row in sql.rows(_TAKE, values, binary=True)]


def _untried(events: Sequence[RawEvent]) -> list[RawEvent]:
    return list(itertools.takewhile(lambda event: not event.attempts, events))


def take_again(sql: Sql, tenant_id: UUID, events: Sequence[RawEvent]) -> list[RawEvent]:
    """Return those of these events that are still pending."""
    if not events:
        return []
    names = columns([(event.id, event.received_at) for event in events], 2)
    return [RawEvent(*row) for row in sql.rows(_TAKE_AGAIN, [*names, tenant_id])]


def mark(sql: Sql, connection_id: UUID, items: Sequence[Item], milliseconds: int) -> None:
    """Write what became of each row of a connection, in the transaction of the effects."""
    days = [item.raw.received_at for item in items]
    outcomes = {(item.status, item.flag, item.error) for item in items}
    if len(outcomes) == 1:
        ((status, flag, error),) = outcomes
        ids = array(item.raw.id for item in items)
        values = [status, error, milliseconds, flag, connection_id, ids, min(days), max(days)]
        sql.run(_MARK_ALIKE, values)
        return
    rows = [(i.raw.id, i.raw.received_at, i.status, i.flag, i.error) for i in items]
    sql.run(_MARK, [milliseconds, *columns(rows, 5), min(days), max(days)])


def fail(event: RawEvent, error: BaseException) -> None:
    """Count one failed attempt; the last one makes the event dead."""
    gap = GAPS[min(event.attempts, len(GAPS) - 1)]
    again, limit = timezone.now() + gap, MOST_ATTEMPTS
    with public_scope(), database_cursor() as cursor:
        values = [again, describe(error), limit, limit, event.id, event.received_at]
        cursor.execute(_FAIL, values)


def describe(error: BaseException) -> str:
    """Return the first line of an error: what follows it in PostgreSQL's quotes the values."""
    first = str(error).partition("\n")[0].replace("\x00", "")
    return f"{type(error).__name__}: {first}"[:1000]
