"""What became of the last calls, shared by all processes; per process while Redis is away."""

import time
from collections import deque
from dataclasses import dataclass
from threading import Lock

import redis

from evosense.core.streams import redis_client

LENGTH = 20
# A list of "time good" entries, newest first; only those of the last seconds count.
_NOTE = """
local now = redis.call('TIME')
local at = now[1] + now[2] / 1000000
redis.call('LPUSH', KEYS[1], tostring(at) .. ' ' .. ARGV[1])
redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[2]) - 1)
redis.call('EXPIRE', KEYS[1], ARGV[3])
local total, bad = 0, 0
for _, entry in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local when, good = entry:match('^(%S+) (%d)$')
  if at - tonumber(when) <= tonumber(ARGV[3]) then
    total = total + 1
    if good == '0' then bad = bad + 1 end
  end
end
return {total, bad}
"""
_MEMORY_LIMIT = 5_000

_local: dict[str, deque[tuple[float, bool]]] = {}
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Counted:
    total: int
    bad: int


def note(key: str, *, is_good: bool, seconds: int) -> Counted:
    """Add one result under Redis's own `key`; count the last 20 of the last `seconds`."""
    try:
        total, bad = redis_client().eval(_NOTE, 1, key, int(is_good), LENGTH, seconds)  # type: ignore[no-untyped-call]
    except redis.RedisError:
        return _note_locally(key, is_good=is_good, seconds=seconds)
    return Counted(int(total), int(bad))


def forget(key: str) -> None:
    """Begin a new window, as after a change that makes the old results mean nothing."""
    with _lock:
        _local.pop(key, None)
    try:
        redis_client().delete(key)
    except redis.RedisError:
        # It ends by itself.
        return


def _note_locally(key: str, *, is_good: bool, seconds: int) -> Counted:
    now = time.monotonic()
    with _lock:
        if len(_local) >= _MEMORY_LIMIT:
            _local.clear()
        entries = _local.setdefault(key, deque(maxlen=LENGTH))
        entries.appendleft((now, is_good))
        recent = [good for at, good in entries if now - at <= seconds]
    return Counted(len(recent), recent.count(False))
