"""What a worker holds, written outside its transaction, so that its death leaves a trace.

An event that kills the process (memory, a crash in C) rolls its own count of attempts back and
would be taken again for ever. The next worker of the line finds the list of the dead one, takes
half of it, and so on until one event is left to blame. Kept in Redis: losing it costs more deaths.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import orjson
import redis

from evosense.core.streams import redis_client

# A turn takes milliseconds; what is older belongs to a machine that never came back.
KEEP_SECONDS = 24 * 3600


class WorkerDiedError(Exception):
    """A worker process ended while it read this event alone."""


def left_behind(tenant_id: UUID, connection_id: UUID, lane: int) -> list[int]:
    """Return the ids that a dead worker held; the caller has the line's lock."""
    try:
        raw = redis_client().get(_key(tenant_id, connection_id, lane))
    except redis.RedisError:
        return []
    return [int(each) for each in orjson.loads(raw)] if raw else []


@contextmanager
def holding(tenant_id: UUID, connection_id: UUID, lane: int, ids: Sequence[int]) -> Iterator[None]:
    """Leave a trace while the block runs; only the end of the process keeps it there."""
    key = _key(tenant_id, connection_id, lane)
    try:
        redis_client().set(key, orjson.dumps(list(ids)), ex=KEEP_SECONDS)
    except redis.RedisError:
        yield
        return
    try:
        yield
    finally:
        forget(tenant_id, connection_id, lane)


def forget(tenant_id: UUID, connection_id: UUID, lane: int) -> None:
    """Remove the trace."""
    try:
        redis_client().delete(_key(tenant_id, connection_id, lane))
    except redis.RedisError:
        return


def _key(tenant_id: UUID, connection_id: UUID, lane: int) -> str:
    return f"t:{tenant_id}:ingest:hand:{connection_id}:{lane}"
