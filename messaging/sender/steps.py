"""The steps of a turn in the database. Each is one short transaction; no call is made inside one.

T1 takes the next message and commits that it is being sent. T2 settles what became of it, by
compare-and-set on the attempt, and takes the next in the same transaction.
"""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
from django.db import connections, transaction

from evosense.core.schema import current_tenant
from messaging.events import OutgoingChanged
from messaging.gateway.client.outcome import Outcome
from messaging.ingest.apply import lock_key
from messaging.sender import aftermath, points, statements
from messaging.sender.claims import Claim
from messaging.sender.periods import periods
from messaging.sender.taken import ACTS, Taken, read
from messaging.sender.verdict import Verdict
from messaging.sql import Sql

_LOCK = "SELECT pg_advisory_xact_lock(%s)"


@dataclass(frozen=True, slots=True)
class Place:
    """Whose lane a turn works in: the claim, and the connection's own key."""

    claim: Claim
    line: int


@dataclass(frozen=True, slots=True)
class Peek:
    """What there is to do before the next message may leave."""

    left_behind: bool
    to_look_for: bool
    expired: bool


class LostLane(Exception):  # noqa: N818  (read as a sentence where raised)
    """Another worker has the lane; what is not settled yet is its business."""


def give_back_connection() -> None:
    """Return the connection to the pool: nobody holds one while waiting for a server."""
    connections["default"].close()


def peek(place: Place) -> Peek:
    with transaction.atomic():
        return Peek(*Sql().often(statements.PEEK, {"line": place.line})[0])


def tidy(place: Place) -> None:
    """Settle what a dead worker left behind, and what has expired. Raises LostLane."""
    with transaction.atomic(durable=True):
        sql = Sql()
        sql.rows(_LOCK, [lock_key(place.claim.connection_id)])
        _hold_lane(sql, place)
        now = periods()
        wanted = {
            "line": place.line,
            "acts": sorted(ACTS),
            "first": now.first_check,
            "hold": now.hold,
        }
        for pk, conversation, state in sql.rows(statements.LEFT_BEHIND, wanted):
            announce(sql, place.line, pk, conversation, state)
        for pk, conversation in sql.rows(statements.EXPIRE, [place.line]):
            announce(sql, place.line, pk, conversation, "failed")


def take(place: Place) -> Taken | None:
    """Commit the intent to send the next message; None when nothing may leave now.

    The lane is given back with that. Raises LostLane.
    """
    with transaction.atomic(durable=True):
        return _take(Sql(), place, "", "")


def settle(
    place: Place, taken: Taken, outcome: Outcome, verdict: Verdict, *, take_next: bool
) -> Taken | None:
    """Write what became of an attempt; with `take_next` also take the next message.

    Without, the lane is given back. Raises LostLane, after the outcome was written.
    """
    is_lost = False
    with transaction.atomic(durable=True):
        sql = Sql()
        sql.rows(_LOCK, [lock_key(place.claim.connection_id)])
        _write(sql, place, taken, outcome, verdict)
        found = None
        try:
            if take_next or verdict.lane:
                found = _take(sql, place, verdict.lane, verdict.reason)
            else:
                _hold_lane(sql, place, verdict.lane, verdict.reason)
                sql.run(statements.YIELD, [place.claim.connection_id, place.claim.holder])
        except LostLane:
            is_lost = True
        if found is None:
            # While more follows at once the relay's own polling is soon enough: each NOTIFY makes
            # commits wait for each other.
            sql.run("NOTIFY outbox")
    if is_lost:
        raise LostLane
    return found


def rest(place: Place, *, reason: str = "") -> None:
    """Give the lane back until something is due; with a `reason` it is held for a while."""
    with transaction.atomic(durable=True):
        _rest(Sql(), place, reason)


def stop(place: Place, reason: str) -> None:
    """Trip the lane: no message of it can be sent before somebody acts."""
    with transaction.atomic(durable=True):
        sql = Sql()
        _hold_lane(sql, place, "tripped", reason)
        _rest(sql, place, "")


def _take(sql: Sql, place: Place, lane: str, reason: str) -> Taken | None:
    state = _hold_lane(sql, place, lane, reason)
    token = uuid4()
    rows = []
    if state == "open" or (state == "held" and not lane):
        # Held lanes are tried again: whether the number is up is read from its row.
        rows = sql.often(statements.TAKE, {"line": place.line, "token": token})
    if not rows:
        _rest(sql, place, reason if lane == "held" else "")
        return None
    if state == "held":
        _hold_lane(sql, place, "open", "")
    found = read(token, rows[0])
    points.reach(points.BEFORE_INTENT)
    return found


def _hold_lane(sql: Sql, place: Place, lane: str = "", reason: str = "") -> str:
    """Lock our lane and prolong the lease; the state is read by whatever comes after."""
    values = [
        periods().lease,
        lane or None,
        reason if lane else None,
        place.claim.connection_id,
        place.claim.holder,
    ]
    rows = sql.often(statements.LANE, values)
    if not rows:
        raise LostLane
    return str(rows[0][0])


def _rest(sql: Sql, place: Place, reason: str) -> None:
    wanted = {
        "line": place.line,
        "lane": place.claim.connection_id,
        "holder": place.claim.holder,
        "reason": reason,
        "held": periods().held,
    }
    sql.often(statements.REST, wanted)


def _write(sql: Sql, place: Place, taken: Taken, outcome: Outcome, verdict: Verdict) -> None:
    if verdict.is_undone:
        sql.run(statements.UNDO, [taken.id, taken.token, taken.number])
        return
    values = _values(place, taken, outcome, verdict)
    changed, renamed, has_parked = sql.often(statements.SETTLE, values)[0]
    if verdict.state != "sent":
        return
    news = aftermath.News(place.claim.connection_id, place.line, taken, outcome)
    if changed:
        aftermath.follow(sql, news, is_named=bool(renamed), has_parked=bool(has_parked))
    else:
        aftermath.correct(sql, news)


def _values(place: Place, taken: Taken, outcome: Outcome, verdict: Verdict) -> dict[str, Any]:
    failure = orjson.dumps(verdict.failure).decode() if verdict.failure else None
    is_bubble = taken.message_id is not None
    return {
        "id": taken.id,
        "token": taken.token,
        "number": taken.number,
        "state": verdict.state,
        "before": verdict.before,
        "failure": failure,
        "after": verdict.after,
        "hold": verdict.hold,
        "is_final": verdict.is_final,
        "outcome": outcome.klass,
        "code": outcome.code,
        "detail": outcome.detail[:300],
        "http_status": outcome.http_status,
        "milliseconds": outcome.milliseconds,
        "provider_id": outcome.provider_id if verdict.state == "sent" and is_bubble else "",
        "status": verdict.status if is_bubble else "",
        "tenant": current_tenant().id,
        "topic": OutgoingChanged.topic,
        "line": place.line,
    }


_EVENT = "INSERT INTO public.core_outboxevent (tenant_id, topic, payload) VALUES (%s, %s, %s)"


def announce(sql: Sql, line: int, pk: int, conversation: int | None, state: str) -> None:
    """Tell the house without waking the relay."""
    event = OutgoingChanged(line, [pk], [conversation] if conversation else [], state)
    payload = orjson.dumps(event).decode()
    sql.run(_EVENT, [current_tenant().id, OutgoingChanged.topic, payload])
