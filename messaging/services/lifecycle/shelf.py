"""What is known of a pairing that is going on: in Redis, because nothing of it may be kept.

Without Redis pages show no code; nothing else depends on it.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

import redis

from evosense.core.schema import current_tenant
from evosense.core.streams import redis_client
from messaging.gateway.client.answers import ConnectAnswer
from messaging.ingest import pairing_codes

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shelf:
    """The newest code, if there still is one, and what is remembered of this pairing."""

    image: str = field(default="", repr=False)
    typed: str = field(default="", repr=False)
    sequence: int = 0
    count: int = 0
    shown_at: datetime | None = None
    started_at: datetime | None = None
    # already_open, or "".
    outcome: str = ""

    @property
    def has_code(self) -> bool:
        return bool(self.image or self.typed)


def begin(public_id: UUID) -> None:
    """Forget the code and the count of an earlier pairing; the sequence goes on."""
    code, pairing = _keys(public_id)

    def run() -> None:
        with redis_client().pipeline() as pipe:
            pipe.delete(code)
            pipe.hdel(pairing, "print", "sent", "shown_at", "outcome", "count")
            pipe.hset(pairing, "started_at", int(time.time()))
            pipe.expire(pairing, pairing_codes.REMEMBERED)
            pipe.execute()

    _best_effort(run)


def put(public_id: UUID, answer: ConnectAnswer) -> None:
    """Put the code of an answer on the shelf, unless an event was faster."""
    parts = {"code": answer.code, "base64": answer.base64, "pairingCode": answer.pairing_code}
    count = str(answer.count) if answer.count else ""
    call = pairing_codes.call(current_tenant().id, public_id, parts, count=count)
    if call is not None:
        _best_effort(lambda: redis_client().eval(*call))  # type: ignore[no-untyped-call]


def conclude(public_id: UUID, outcome: str) -> None:
    """Remember how a pairing ended that showed no code."""
    _best_effort(lambda: redis_client().hset(_keys(public_id)[1], "outcome", outcome))


def clear(public_id: UUID) -> None:
    """Take the code away: it was read, or nobody waits for it any more."""
    _best_effort(lambda: redis_client().delete(_keys(public_id)[0]))


def look(public_id: UUID) -> Shelf:
    """Return what is on the shelf now."""
    code, pairing = _keys(public_id)
    shown = _fields(code)
    known = _fields(pairing)
    return Shelf(
        image=shown.get("image", ""),
        typed=shown.get("typed", ""),
        sequence=int(known.get("sequence", 0)),
        count=int(known.get("count", 0)),
        shown_at=_time(known.get("shown_at")),
        started_at=_time(known.get("started_at")),
        outcome=known.get("outcome", ""),
    )


def _keys(public_id: UUID) -> tuple[str, str]:
    tenant_id = current_tenant().id
    found = pairing_codes.code_key(tenant_id, public_id)
    return found, pairing_codes.pairing_key(tenant_id, public_id)


def _fields(key: str) -> dict[str, str]:
    found = _best_effort(lambda: redis_client().hgetall(key)) or {}
    return {name.decode(): value.decode() for name, value in found.items()}


def _time(seconds: str | None) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else None


def _best_effort(act: Callable[[], T]) -> T | None:
    with suppress(redis.RedisError):
        return act()
    return None
