"""Hints for browsers: event name and ids, kept for a while in one Redis stream per tenant.

Hints carry no content: a page that receives one re-fetches its fragment, so permissions and
rendering stay in one place. Losing a hint costs one polling period, never data.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import orjson
import redis
from django.conf import settings

# The hint after which a stream ends, and how long tickets from before it are refused.
CLOSED = "tenant.closed"
# The same for one person's streams.
LEFT = "person.left"
CLOSED_SECONDS = 120
# Enough for some minutes of a busy tenant; a client further behind is told to resync.
KEEP = 2_000


@lru_cache(maxsize=1)
def redis_client() -> "redis.Redis[bytes]":
    """Return the process-wide Redis client (its pool is safe to share between threads)."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def hints_key(tenant_id: UUID | str) -> str:
    return f"t:{tenant_id}:hints"


def cursor_of(moment: datetime) -> str:
    """Return the place in a stream at `moment`: ids of Redis streams begin with milliseconds."""
    return f"{int(moment.timestamp() * 1000)}-0"


def publish(tenant_id: UUID, kind: str, ids: Mapping[str, object]) -> None:
    """Append one hint to the tenant's stream; raises redis.RedisError when Redis is away."""
    fields = {"kind": kind, "ids": orjson.dumps(dict(ids)).decode()}
    redis_client().xadd(hints_key(tenant_id), fields, maxlen=KEEP, approximate=True)


def closed_key(tenant_id: UUID | str) -> str:
    return f"t:{tenant_id}:closed"


def close(tenant_id: UUID) -> None:
    """End the open streams of a tenant that may not work any more."""
    redis_client().set(closed_key(tenant_id), 1, ex=CLOSED_SECONDS)
    publish(tenant_id, CLOSED, {})


def reopen(tenant_id: UUID) -> None:
    """Let new streams be opened again."""
    redis_client().delete(closed_key(tenant_id))


def left_key(tenant_id: UUID | str, who: int | str) -> str:
    """Return the mark that refuses a person's tickets, or those of one log-in."""
    return f"t:{tenant_id}:left:{who}"


def show_out(tenant_id: UUID, user_id: int) -> None:
    """End the open streams of one person, and refuse the tickets from just before."""
    redis_client().set(left_key(tenant_id, user_id), 1, ex=CLOSED_SECONDS)
    publish(tenant_id, LEFT, {"user_id": user_id})


def end_sessions(tenant_id: UUID, names: Sequence[str]) -> None:
    """End the open streams of log-ins that are over, and refuse the tickets from just before."""
    for name in names:
        redis_client().set(left_key(tenant_id, name), 1, ex=CLOSED_SECONDS)
    publish(tenant_id, LEFT, {"sessions": list(names)})


def let_in(tenant_id: UUID, user_id: int) -> None:
    """Let a person who came back open streams at once."""
    redis_client().delete(left_key(tenant_id, user_id))
