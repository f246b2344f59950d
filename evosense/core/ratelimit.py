"""Token buckets in Redis; with Redis away the process keeps its own at the same rate.

Never "no limit" for log-in, never "deny" because a cache is down.
"""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock

import redis
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import TooMany
from evosense.core.streams import redis_client

# Refills by elapsed time on the Redis clock, so that processes with other clocks agree.
_BUCKET = """
local now = redis.call('TIME')
local at = now[1] + now[2] / 1000000
local rate, period = tonumber(ARGV[1]), tonumber(ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = tonumber(state[1]) or rate
left = math.min(rate, left + (at - (tonumber(state[2]) or at)) * rate / period)
local allowed = 0
if left >= 1 then left = left - 1; allowed = 1 end
redis.call('HSET', KEYS[1], 'left', left, 'at', at)
redis.call('PEXPIRE', KEYS[1], math.ceil(period * 1000))
return {allowed, tostring(left)}
"""
_MEMORY_LIMIT = 50_000

_local: dict[str, tuple[float, float]] = {}
_lock = Lock()
_noted: "ContextVar[list[Decision] | None]" = ContextVar("rate_limits", default=None)


@dataclass(frozen=True, slots=True)
class Decision:
    """The state of a bucket after one request: whole tokens left, seconds until one comes back."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int


def take(key: str, *, rate: int, per_seconds: float) -> Decision:
    """Take one token from the bucket `key` that holds `rate` and refills in `per_seconds`.

    The key is Redis's own, so it starts with `g:` or with `t:` and the tenant's id.
    """
    try:
        allowed, left = redis_client().eval(_BUCKET, 1, key, rate, per_seconds)  # type: ignore[no-untyped-call]
        taken, tokens = bool(int(allowed)), float(left)
    except redis.RedisError:
        taken, tokens = _take_locally(key, rate, per_seconds)
    missing = max(0.0, 1 - tokens) if not taken else max(0.0, rate - tokens)
    decision = Decision(
        allowed=taken,
        limit=rate,
        remaining=int(tokens),
        reset_seconds=math.ceil(missing * per_seconds / rate),
    )
    note(decision)
    return decision


def allow(key: str, *, rate: int, per_seconds: float) -> bool:
    """Take one token; False when the bucket is empty."""
    return take(key, rate=rate, per_seconds=per_seconds).allowed


def demand(key: str, *, rate: int, per_seconds: float) -> None:
    """Take one token; raises TooMany when the bucket is empty."""
    if not take(key, rate=rate, per_seconds=per_seconds).allowed:
        raise TooMany("too_many", _("That was too often. Wait a while and try again."))


@contextmanager
def noting() -> Iterator[list[Decision]]:
    """Collect what limits decide inside the block, for the headers of the answer."""
    decisions: list[Decision] = []
    token = _noted.set(decisions)
    try:
        yield decisions
    finally:
        _noted.reset(token)


def note(decision: Decision) -> None:
    """Let the answer to this request tell a limit's decision."""
    decisions = _noted.get()
    if decisions is not None:
        decisions.append(decision)


def headers_of(decisions: Sequence[Decision]) -> dict[str, str]:
    """Return the headers that tell the tightest of several decisions."""
    if not decisions:
        return {}
    tightest = min(decisions, key=lambda one: (one.allowed, one.remaining / one.limit))
    headers = {
        "RateLimit-Limit": str(tightest.limit),
        "RateLimit-Remaining": str(tightest.remaining),
        "RateLimit-Reset": str(tightest.reset_seconds),
    }
    return headers if tightest.allowed else {**headers, "Retry-After": str(tightest.reset_seconds)}


def _take_locally(key: str, rate: int, per_seconds: float) -> tuple[bool, float]:
    now = time.monotonic()
    with _lock:
        if len(_local) >= _MEMORY_LIMIT:
            _local.clear()
        left, at = _local.get(key, (float(rate), now))
        left = min(float(rate), left + (now - at) * rate / per_seconds)
        taken = left >= 1
        left -= 1 if taken else 0
        _local[key] = (left, now)
    return taken, left
