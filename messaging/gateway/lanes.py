"""Lanes: each connection's sending line, as the senders of all companies see it.

Everything here runs inside the company's scope and inside the caller's transaction, as its last
step: the row is locked until the commit, and the sender takes it after every other lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from evosense.core.schema import current_tenant, database_cursor

CHANNEL = "sending"
NOTIFY = f"NOTIFY {CHANNEL}"

# ON CONFLICT locks the row even where it changes nothing, so a sender that is just about to find
# the line empty looks again.
_WAKE = """
INSERT INTO public.gateway_lane AS l
    (connection_id, tenant_id, server_id, state, reason, due_at, watch_at)
SELECT c.public_id, %s::uuid, s.id, 'open', '', coalesce(%s::timestamptz, now()), now()
FROM messaging_connection c
LEFT JOIN public.gateway_evolutionserver s ON s.id = c.server_id
WHERE c.public_id = %s
ON CONFLICT (connection_id) DO UPDATE SET
    due_at = least(l.due_at, excluded.due_at), server_id = excluded.server_id
WHERE l.due_at IS NULL OR l.due_at > excluded.due_at
   OR l.server_id IS DISTINCT FROM excluded.server_id
"""
_SET = """
UPDATE public.gateway_lane SET state = %s, reason = %s, due_at = coalesce(%s, due_at)
WHERE connection_id = %s
"""
_REOPEN = """
UPDATE public.gateway_lane SET state = 'open', reason = '', due_at = now()
WHERE connection_id = %s AND state = ANY(%s)
"""
_CLOSE = "DELETE FROM public.gateway_lane WHERE connection_id = %s"
_VIEWS = """
SELECT connection_id, state, reason, due_at, lease_until > now()
FROM public.gateway_lane WHERE connection_id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class LaneView:
    """`state` is of `Lane.State`; `reason` a code of ours, "" while open."""

    state: str
    reason: str
    due_at: datetime | None
    is_busy: bool


def wake(connection_id: UUID, at: datetime | None = None) -> None:
    """Have the senders look at a connection at `at`, else at once; opens its lane if need be."""
    _run(*waking(connection_id, at))
    if at is None:
        notify()


def waking(connection_id: UUID, at: datetime | None = None) -> tuple[str, list[Any]]:
    """Return the statement of `wake`, for whoever sends several at once; `NOTIFY` goes with it."""
    return _WAKE, [current_tenant().id, at, connection_id]


def notify() -> None:
    """Wake the senders at commit; it only makes prompt what polling finds anyway."""
    _run(NOTIFY, [])


def hold(connection_id: UUID, reason: str, until: datetime) -> None:
    """Let a lane wait for its number or its company; it is looked at again at `until`."""
    _run(_SET, ["held", reason, until, connection_id])


def trip(connection_id: UUID, reason: str) -> None:
    """Stop a lane until its key or its state changes or a person lets it go on."""
    _run(_SET, ["tripped", reason, None, connection_id])


def pause(connection_id: UUID) -> None:
    """Let nothing new leave until somebody resumes; what is on its way is still followed."""
    wake(connection_id)
    _run(_SET, ["paused", "by_person", None, connection_id])


def resume(connection_id: UUID) -> None:
    """Let a lane go on, whatever stopped it; a cause that lasts stops it again."""
    _reopen(connection_id, ["paused", "tripped", "held"])


def release(connection_id: UUID) -> None:
    """Let a lane go on whose number is back or whose key was changed.

    One that a person paused stays paused.
    """
    _reopen(connection_id, ["tripped", "held"])


def close(connection_id: UUID) -> None:
    """Take away the lane of a connection that will never send again; a sender drops its lease."""
    _run(_CLOSE, [connection_id])


def lane_views(connection_ids: Sequence[UUID]) -> dict[UUID, LaneView]:
    """Return what is known of each connection's lane; one that never sent has none."""
    with database_cursor() as cursor:
        cursor.execute(_VIEWS, [list(connection_ids)])
        return {
            pk: LaneView(state, reason, due_at, bool(is_busy))
            for pk, state, reason, due_at, is_busy in cursor.fetchall()
        }


def _reopen(connection_id: UUID, states: list[str]) -> None:
    _run(_REOPEN, [connection_id, states])
    notify()


def _run(statement: str, parameters: list[Any]) -> None:
    with database_cursor() as cursor:
        cursor.execute(statement, parameters or None)
