"""The steps of turns in the database. Each is one short transaction; no call is made inside one.

T1 takes the next message and commits that it is being sent. T2 settles what became of it, by
compare-and-set on the attempt, and takes the next in the same transaction. Both are for any number
of lanes of one company at once: statements and commits cost nearly the same for ten as for one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.db import connections, transaction

from evosense.core import outbox
from evosense.core.schema import current_tenant
from messaging.events import OutgoingChanged
from messaging.gateway.client.instance import Instance
from messaging.gateway.client.outcome import Outcome
from messaging.gateway.ways import Unreachable, Way
from messaging.ingest.apply import lock_key
from messaging.sender import aftermath, points, statements
from messaging.sender.claims import Claim
from messaging.sender.periods import periods
from messaging.sender.taken import ACTS, Taken, read
from messaging.sender.verdict import Verdict
from messaging.sql import KEEP_PLANS, Parameters, Row, Sql, array, columns


@dataclass(frozen=True, slots=True)
class Place:
    """Whose lane a turn works in: the claim, and the connection's own key."""

    claim: Claim
    line: int

    @property
    def lane(self) -> UUID:
        return self.claim.connection_id


@dataclass(frozen=True, slots=True)
class _Ask:
    """A lane whose next message is wanted; with a `lane` state it is put into that first."""

    place: Place
    lane: str = ""
    reason: str = ""


@dataclass(slots=True)
class Opening:
    """What a turn begins with: what there is to do before the next message may leave."""

    place: Place
    left_behind: bool
    to_look_for: bool
    expired: bool
    # Where the server was never stored as a row there is no way yet, and no reason.
    instance: Instance | None = None
    unreachable: Unreachable | None = None
    # The first message, if it was taken at once because nothing goes before it.
    is_taken: bool = False
    taken: Taken | None = None

    @property
    def may_take(self) -> bool:
        is_plain = not (self.left_behind or self.to_look_for or self.expired)
        return is_plain and self.instance is not None


@dataclass(frozen=True, slots=True)
class End:
    """What became of an attempt, and whether the lane's next message is wanted."""

    place: Place
    taken: Taken
    outcome: Outcome
    verdict: Verdict
    take_next: bool

    @property
    def goes_on(self) -> bool:
        return self.take_next or bool(self.verdict.lane)

    @property
    def ask(self) -> _Ask:
        return _Ask(self.place, self.verdict.lane, self.verdict.reason)


@dataclass(frozen=True, slots=True)
class Next:
    """After an end: the message taken next, None when the lane was given back."""

    taken: Taken | None = None


class LostLane(Exception):  # noqa: N818  (read as a sentence where raised)
    """Another worker has the lane; what is not settled yet is its business."""


class NoLine(Exception):  # noqa: N818
    """The lane's connection does not exist."""


def give_back_connection() -> None:
    """Return the connection to the pool: nobody holds one while waiting for a server."""
    connections["default"].close()


def begin(claims: Sequence[Claim]) -> list[Opening | Exception]:
    """Read what turns need and take their first messages where nothing goes before those.

    For each claim in its order: its opening, or LostLane, or NoLine.
    """
    with transaction.atomic(durable=True):
        sql = Sql()
        found = _openings(sql, claims)
        asks = [_Ask(one.place) for one in found.values() if one.may_take]
        taken, resting = _take(sql, asks)
        _give_back(sql, resting)
    return [_begun(found.get(one.connection_id), taken) for one in claims]


def tidy(place: Place) -> None:
    """Settle what a dead worker left behind, and what has expired. Raises LostLane."""
    with transaction.atomic(durable=True):
        sql = Sql()
        sql.rows(statements.LOCK, [lock_key(place.lane)])
        _hold(sql, [_Ask(place)])
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
        sql = Sql()
        found, resting = _take(sql, [_Ask(place)])
        if place.lane not in found:
            raise LostLane
        _give_back(sql, resting)
        return found[place.lane]


def settle(ends: Sequence[End]) -> list[Next | Exception | None]:
    """Write what became of attempts; where the next message is wanted also take that.

    Without, the lane is given back. For each end in its order: what is next, or LostLane, which
    comes after the outcome was written. None, of several only: nothing was done, because another
    worker is busy with that line.
    """
    with transaction.atomic(durable=True):
        sql = Sql()
        ours = _write(sql, ends)
        going, resting = _take(sql, [one.ask for one in ours if one.goes_on])
        ending = [one.place for one in ours if not one.goes_on]
        # While more follows at once the relay's own polling is soon enough: each NOTIFY makes
        # commits wait for each other.
        is_lull = sum(one is not None for one in going.values()) < len(ours)
        given_back = _give_back(sql, resting, ending, tells=is_lull)
    nexts = {**{lane: Next() for lane in given_back}, **{k: Next(v) for k, v in going.items()}}
    handled = {one.place.lane for one in ours}
    return [
        nexts.get(end.place.lane, LostLane()) if end.place.lane in handled else None for end in ends
    ]


def rest(place: Place, *, reason: str = "") -> None:
    """Give the lane back until something is due; with a `reason` it is held for a while."""
    with transaction.atomic(durable=True):
        _give_back(Sql(), [_Ask(place, "held" if reason else "", reason)])


def stop(place: Place, reason: str) -> None:
    """Trip the lane: no message of it can be sent before somebody acts."""
    with transaction.atomic(durable=True):
        sql = Sql()
        _hold(sql, [_Ask(place, "tripped", reason)])
        _give_back(sql, [_Ask(place)])


def _openings(sql: Sql, claims: Sequence[Claim]) -> dict[UUID, Opening]:
    by_lane = {one.connection_id: one for one in claims}
    wanted = {"lanes": array(by_lane), "tenant": current_tenant().id}
    _, rows = sql.together(_manner(claims), (statements.OPEN, wanted))
    return {row[0]: _opening(by_lane[row[0]], row[1:]) for row in rows}


def _begun(opening: Opening | None, taken: dict[UUID, Taken | None]) -> Opening | Exception:
    if opening is None:
        return NoLine()
    if opening.may_take:
        if opening.place.lane not in taken:
            return LostLane()
        opening.taken, opening.is_taken = taken[opening.place.lane], True
    return opening


def _opening(claim: Claim, row: Sequence[Any]) -> Opening:
    line, left_behind, to_look_for, expired = row[:4]
    opening = Opening(Place(claim, line), left_behind, to_look_for, expired)
    way = Way(*row[4:])
    if way.named is not None:
        try:
            opening.instance = way.instance()
        except Unreachable as error:
            opening.unreachable = error
    return opening


def _take(sql: Sql, asks: Sequence[_Ask]) -> tuple[dict[UUID, Taken | None], list[_Ask]]:
    """Take each lane's next message; returns also whose lane has none and must be given back.

    Lanes that were lost are in neither.
    """
    if not asks:
        return {}, []
    tokens = [uuid4() for _ in asks]
    wanted = [
        (ask.place.line, ask.place.lane, ask.place.claim.holder, token, not ask.lane)
        for ask, token in zip(asks, tokens, strict=True)
    ]
    held, rows = sql.together(
        (statements.LANES, _lane_values(asks)), (statements.TAKE, columns(wanted, 5))
    )
    states: dict[UUID, str] = dict(held)
    taken = {row[0]: read(row[1], row[2:]) for row in rows}
    back = [one for one in asks if one.place.lane in taken and states[one.place.lane] == "held"]
    if back:
        _hold(sql, [_Ask(one.place, "open") for one in back])
    for _ in taken:
        points.reach(points.BEFORE_INTENT)
    found = {lane: taken.get(lane) for lane in states}
    return found, [one for one in asks if found.get(one.place.lane, one) is None]


def _hold(sql: Sql, asks: Sequence[_Ask]) -> None:
    """Lock our lanes and prolong the leases; their state is read by whatever comes after."""
    if len(sql.often(statements.LANES, _lane_values(asks))) < len(asks):
        raise LostLane


def _lane_values(asks: Sequence[_Ask]) -> list[Any]:
    rows = [
        (one.place.lane, one.place.claim.holder, one.lane or None, one.reason if one.lane else None)
        for one in asks
    ]
    return [periods().lease, *columns(rows, 4)]


def _give_back(
    sql: Sql, resting: Sequence[_Ask], ending: Sequence[Place] = (), *, tells: bool = False
) -> list[UUID]:
    """Give lanes back, those of `ending` at once due again; returns which of these were ours."""
    last: list[tuple[str, Parameters]] = []
    if resting:
        last.append((statements.REST, [periods().held, *columns(map(_rest_row, resting), 4)]))
    if ending:
        rows = [(one.lane, one.claim.holder) for one in ending]
        last.append((statements.YIELD, columns(rows, 2)))
    if tells:
        last.append((outbox.WAKE, []))
    found = sql.together(*last) if last else []
    return [row[0] for row in found[bool(resting)]] if ending else []


def _rest_row(ask: _Ask) -> tuple[int, UUID, UUID, str]:
    reason = ask.reason if ask.lane == "held" else ""
    return ask.place.line, ask.place.lane, ask.place.claim.holder, reason


def _write(sql: Sql, ends: Sequence[End]) -> list[End]:
    """Settle attempts, with what follows from it; returns those whose line nobody else works on."""
    ours, rows = _settle(sql, ends)
    by_id = {end.taken.id: end for end in ours}
    settled = []
    for pk, *found in rows:
        end = by_id[pk]
        if end.verdict.state == "sent":
            settled.append((_news(end), aftermath.Settled(*found)))
    aftermath.follow(sql, settled)
    for end in ours:
        if end.verdict.is_undone:
            taken = end.taken
            sql.run(statements.UNDO, [taken.id, taken.token, taken.number])
    return ours


def _settle(sql: Sql, ends: Sequence[End]) -> tuple[list[End], list[Row]]:
    keys = {lock_key(end.place.lane): end for end in ends}
    if len(ends) == 1:
        *_, rows = sql.together(_manner(ends), (statements.LOCK, list(keys)), _settling(ends))
        return list(ends), rows
    _, locked = sql.together(_manner(ends), (statements.TRY_LOCKS, [array(sorted(keys))]))
    ours = [keys[row[0]] for row in locked]
    return ours, sql.often(*_settling(ours))


def _settling(ends: Sequence[End]) -> tuple[str, list[Any]]:
    values = [_values(end) for end in ends if not end.verdict.is_undone]
    return statements.SETTLE, [*columns(values, 17), current_tenant().id, OutgoingChanged.topic]


def _manner(jobs: Sequence[Any]) -> tuple[str, list[Any]]:
    return statements.PATIENCE if len(jobs) > 1 else KEEP_PLANS, []


def _news(end: End) -> aftermath.News:
    return aftermath.News(end.place.lane, end.place.line, end.taken, end.outcome)


def _values(end: End) -> tuple[Any, ...]:
    taken, outcome, verdict = end.taken, end.outcome, end.verdict
    is_bubble = taken.message_id is not None
    return (
        taken.id,
        taken.token,
        taken.number,
        end.place.line,
        verdict.state,
        orjson.dumps(verdict.failure).decode() if verdict.failure else None,
        verdict.after,
        verdict.hold,
        verdict.is_final,
        outcome.klass,
        outcome.code,
        outcome.detail[:300],
        outcome.http_status,
        outcome.milliseconds,
        outcome.provider_id if verdict.state == "sent" and is_bubble else "",
        verdict.status if is_bubble else "",
        int(verdict.is_passing),
    )


def announce(sql: Sql, line: int, pk: int, conversation: int | None, state: str) -> None:
    """Tell the house without waking the relay."""
    event = OutgoingChanged(line, [pk], [conversation] if conversation else [], state)
    sql.run(*outbox.recording(event))
