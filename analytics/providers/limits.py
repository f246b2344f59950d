"""How fast a provider may be asked: requests and tokens a minute, and how many at a time.

The buckets have the size that people configured, corrected by what the server's headers say; how
many requests run at a time is found by AIMD: one more after 20 answers, half after a 429. All of
it is shared by all processes in Redis; while Redis is away each process keeps a low rate.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

import redis

from analytics.providers.refs import ProviderRef
from evosense.core import ratelimit
from evosense.core.streams import redis_client

FIRST_SLOTS = 4
MOST_SLOTS = 24
SUCCESSES_FOR_MORE = 20
# A worker that died holds its slot no longer.
SLOT_SECONDS = 180
# How soon to look again when all slots are taken.
SLOT_WAIT_SECONDS = 0.05
_RATE_WITHOUT_REDIS = 60
_KEEP_SECONDS = 3_600

_ENTER = """
local now = redis.call('TIME')
local at = now[1] + now[2] / 1000000
local s = redis.call('HMGET', KEYS[1], 'pause', 'at', 'requests', 'tokens', 'rpm', 'tpm', 'slots')
if (tonumber(s[1]) or 0) > at then return tostring(tonumber(s[1]) - at) end
local function least(a, b)
  if a == 0 then return b elseif b == 0 then return a else return math.min(a, b) end
end
local rpm = least(tonumber(ARGV[1]), tonumber(s[5]) or 0)
local tpm = least(tonumber(ARGV[2]), tonumber(s[6]) or 0)
local passed = math.max(0, at - (tonumber(s[2]) or at)) / 60
local requests = math.min(rpm, (tonumber(s[3]) or rpm) + passed * rpm)
local tokens = math.min(tpm, (tonumber(s[4]) or tpm) + passed * tpm)
local needed = math.min(tonumber(ARGV[3]), tpm)
if rpm > 0 and requests < 1 then return tostring((1 - requests) * 60 / rpm) end
if tpm > 0 and tokens < needed then return tostring((needed - tokens) * 60 / tpm) end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', at)
if redis.call('ZCARD', KEYS[2]) >= (tonumber(s[7]) or tonumber(ARGV[6])) then return 'busy' end
redis.call('ZADD', KEYS[2], at + tonumber(ARGV[5]), ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[7])
redis.call('HSET', KEYS[1], 'at', tostring(at))
if rpm > 0 then redis.call('HSET', KEYS[1], 'requests', tostring(requests - 1)) end
if tpm > 0 then redis.call('HSET', KEYS[1], 'tokens', tostring(tokens - needed)) end
redis.call('EXPIRE', KEYS[1], ARGV[7])
return '0'
"""
# An empty argument: the server said nothing about it.
_LEAVE = """
local now = redis.call('TIME')
local at = now[1] + now[2] / 1000000
redis.call('ZREM', KEYS[2], ARGV[1])
local s = redis.call('HMGET', KEYS[1], 'slots', 'streak', 'tokens', 'requests')
local slots, streak = tonumber(s[1]) or tonumber(ARGV[3]), tonumber(s[2]) or 0
if ARGV[2] == 'good' then
  streak = streak + 1
  if streak >= tonumber(ARGV[5]) then slots, streak = math.min(slots + 1, tonumber(ARGV[4])), 0 end
elseif ARGV[2] == 'limited' then
  slots, streak = math.max(1, math.floor(slots / 2)), 0
end
redis.call('HSET', KEYS[1], 'slots', slots, 'streak', streak)
local tokens = s[3] and tonumber(s[3]) + tonumber(ARGV[6])
if ARGV[10] ~= '' then tokens = math.min(tokens or math.huge, tonumber(ARGV[10])) end
if tokens then redis.call('HSET', KEYS[1], 'tokens', tostring(tokens)) end
if ARGV[9] ~= '' then
  local requests = math.min(tonumber(s[4]) or math.huge, tonumber(ARGV[9]))
  redis.call('HSET', KEYS[1], 'requests', tostring(requests))
end
if ARGV[7] ~= '' then redis.call('HSET', KEYS[1], 'rpm', ARGV[7]) end
if ARGV[8] ~= '' then redis.call('HSET', KEYS[1], 'tpm', ARGV[8]) end
if tonumber(ARGV[11]) > 0 then
  redis.call('HSET', KEYS[1], 'pause', tostring(at + tonumber(ARGV[11])))
end
redis.call('EXPIRE', KEYS[1], ARGV[12])
"""
# "1s", "6m0s", "120ms", "1h2m", or plain seconds.
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_LONGEST_PAUSE = 600.0


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to send one request now; `wait_seconds` above 0 means: not yet."""

    wait_seconds: float
    slot: str = ""
    tokens: int = 0


def enter(ref: ProviderRef, tokens: int) -> Permit:
    """Reserve one request of about `tokens` (both directions); give it back with `leave`."""
    slot = uuid4().hex
    try:
        said = redis_client().eval(  # type: ignore[no-untyped-call]
            _ENTER,
            2,
            *_keys(ref),
            ref.requests_per_minute or 0,
            ref.tokens_per_minute or 0,
            tokens,
            slot,
            SLOT_SECONDS,
            FIRST_SLOTS,
            _KEEP_SECONDS,
        )
    except redis.RedisError:
        return _enter_locally(ref)
    if said == b"busy":
        return Permit(SLOT_WAIT_SECONDS)
    wait = float(said)
    return Permit(wait) if wait > 0 else Permit(0.0, slot, tokens)


def wait_for(ref: ProviderRef, tokens: int, seconds: float) -> Permit:
    """Enter as soon as that is possible within `seconds`; else return why not yet."""
    until = time.monotonic() + seconds
    while True:
        permit = enter(ref, tokens)
        if permit.wait_seconds <= 0 or time.monotonic() + permit.wait_seconds > until:
            return permit
        time.sleep(permit.wait_seconds)


def leave(
    ref: ProviderRef,
    permit: Permit,
    *,
    used_tokens: int,
    is_good: bool,
    is_limited: bool,
    headers: Mapping[str, str],
    pause_seconds: float = 0.0,
) -> None:
    """Give a slot back and correct the buckets by what was used and what the server tells."""
    if not permit.slot:
        return
    told = _Told(headers)
    word = "limited" if is_limited else "good" if is_good else "failed"
    arguments = (
        permit.slot, word, FIRST_SLOTS, MOST_SLOTS, SUCCESSES_FOR_MORE,
        permit.tokens - used_tokens, told.limit("requests"), told.limit("tokens"),
        told.remaining("requests"), told.remaining("tokens"),
        min(_LONGEST_PAUSE, max(pause_seconds, told.pause())), _KEEP_SECONDS,
    )  # fmt: skip
    try:
        redis_client().eval(_LEAVE, 2, *_keys(ref), *arguments)  # type: ignore[no-untyped-call]
    except redis.RedisError:
        # The slot ends by itself.
        return


def forget(ref: ProviderRef) -> None:
    """Begin anew: what a server told says nothing about another one, or about another key."""
    try:
        redis_client().delete(*_keys(ref))
    except redis.RedisError:
        # It ends by itself.
        return


class _Told:
    """What x-ratelimit-{limit,remaining,reset}-{requests,tokens} say; nonsense is left out."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def limit(self, what: str) -> str:
        found = self._count("limit", what)
        return str(found) if found else ""

    def remaining(self, what: str) -> str:
        found = self._count("remaining", what)
        return "" if found is None else str(found)

    def pause(self) -> float:
        """Return the seconds until what is used up comes back; 0 while something is left."""
        pauses = [
            span_seconds(self._headers.get(f"x-ratelimit-reset-{what}", ""))
            for what in ("requests", "tokens")
            if self._count("remaining", what) == 0
        ]
        return max(pauses, default=0.0)

    def _count(self, kind: str, what: str) -> int | None:
        text = self._headers.get(f"x-ratelimit-{kind}-{what}", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def span_seconds(text: str) -> float:
    """Read "6m0s", "120ms" or plain seconds; 0 for anything else."""
    text = text.strip()
    if not text or _SPAN.sub("", text):
        return 0.0
    return sum(float(number) * _UNITS[unit] for number, unit in _SPAN.findall(text))


def _enter_locally(ref: ProviderRef) -> Permit:
    rate = min(ref.requests_per_minute or _RATE_WITHOUT_REDIS, _RATE_WITHOUT_REDIS)
    taken = ratelimit.take(f"{ref.memory}:alone", rate=rate, per_seconds=60)
    return Permit(0.0) if taken.allowed else Permit(float(max(1, taken.reset_seconds)))


def _keys(ref: ProviderRef) -> tuple[str, str]:
    return f"{ref.memory}:limits", f"{ref.memory}:slots"
