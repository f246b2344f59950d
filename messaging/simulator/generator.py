"""Months of traffic from a seed: pure, fast, without Django and without a clock.

`stream` is what tests, benchmarks and the demonstration's history read; the live traffic
plays further attendances of the same people (`messaging.simulator.traffic`).
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from messaging.simulator import script
from messaging.simulator.bodies import Bodies
from messaging.simulator.content import Contents
from messaging.simulator.dice import dice
from messaging.simulator.people import (
    VERTICAL_LINES,
    Addressing,
    Group,
    Line,
    Person,
    group,
    known_person,
)
from messaging.simulator.phrasebook import Speaker, book
from messaging.simulator.rhythm import Calendar, is_open, local_hour, wall_clock
from messaging.simulator.stage import Attendance, GroupChat
from messaging.simulator.versions import DEFAULT_VERSION, behaviour

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messaging.simulator.dice import Dice
    from messaging.simulator.stage import Posted

DAY = 86_400.0
ATTENDANCES_A_DAY = 2.3 / 90
PEOPLE_PER_GROUP = 90
CHAOS = 0.006
"""Share of events that come twice, and of those that come late."""


class GeneratedEvent(NamedTuple):
    at: datetime
    """When the receiver gets it (UTC)."""
    instance: str
    body: bytes


class Strain(NamedTuple):
    """A bad time for a business: it grows to its `share` of the attendances and ends at `until`."""

    since: datetime
    until: datetime
    share: float
    mood: str = "furious"

    def mood_at(self, at: float, die: Dice) -> str:
        """Return the mood that it brings about at this moment; "" for whatever comes."""
        since, until = self.since.timestamp(), self.until.timestamp()
        if not since <= at < until:
            return ""
        is_met = die.chance(self.share * (at - since) / (until - since))
        return self.mood if is_met else ""


@dataclass(frozen=True)
class World:
    """Who exists: lines, the people who write to each, and their groups; and their bad time."""

    seed: int
    chats: int
    lines: tuple[Line, ...] = VERTICAL_LINES
    strain: Strain | None = None

    @cached_property
    def _marks(self) -> list[float]:
        return list(accumulate(line.weight for line in self.lines))

    def line_of(self, index: int) -> Line:
        mark = dice(self.seed, "line", index).random() * self._marks[-1]
        return self.lines[min(bisect_right(self._marks, mark), len(self.lines) - 1)]

    def person(self, index: int) -> Person:
        return known_person(self.seed, index, self.line_of(index).number[2:4])

    def groups(self, line: Line, since: float) -> list[Group]:
        people = [self.person(index) for index in self._indexes_of(line)[:400]]
        people = [one for one in people if one.addressing is not Addressing.HIDDEN]
        if len(people) < 3:
            return []
        count = min(6, 1 + len(people) // PEOPLE_PER_GROUP)
        found = []
        for number in range(count):
            die = dice(self.seed, "members", line.instance, number)
            members = die.sample(people, k=min(len(people), die.randint(3, 9)))
            found.append(group(self.seed, line, number, members, int(since) - 7 * 86_400))
        return found

    def _indexes_of(self, line: Line) -> list[int]:
        if line not in self.lines:
            return list(range(self.chats))
        return [index for index in range(self.chats) if self.line_of(index) == line]

    @cached_property
    def by_jid(self) -> dict[str, tuple[Line, Person]]:
        """Everybody by phone JID, LID and phone digits (small worlds only)."""
        found = {}
        for index in range(self.chats):
            entry = (self.line_of(index), self.person(index))
            for name in (entry[1].jid, entry[1].lid, f"{entry[1].phone}@s.whatsapp.net"):
                found[name] = entry
        return found


def stream(
    seed: int,
    chats: int,
    start: datetime,
    end: datetime,
    version: str = DEFAULT_VERSION,
    *,
    lines: tuple[Line, ...] = VERTICAL_LINES,
    density: float = 1.0,
    chaos: float = CHAOS,
) -> Iterator[GeneratedEvent]:
    """Yield every event received in [start, end), oldest first.

    `density` 1 is about two attendances per person in 90 days.
    """
    world = World(seed, chats, lines)
    history = History(world, start.timestamp(), end.timestamp(), version, chaos)
    yield from history.events(density)


class History:
    def __init__(
        self, world: World, start: float, end: float, version: str, chaos: float = CHAOS
    ) -> None:
        self.world = world
        self.start = start
        self.end = end
        self.chaos = chaos
        contents = Contents(behaviour(version).family)
        self.bodies = {line: Bodies(line, version, contents) for line in world.lines}
        self.groups = {line: world.groups(line, start) for line in world.lines}

    def events(self, density: float) -> Iterator[GeneratedEvent]:
        waiting: list[tuple[float, int, str, bytes]] = []
        serial = 0
        for at, index, nth in self._plan(density):
            while waiting and waiting[0][0] <= at:
                yield _event(heapq.heappop(waiting))
            line, posted = self._scene(at, index, nth)
            for when, body in self._disturb(posted, (self.world.seed, index, nth)):
                if when < self.end:
                    serial += 1
                    heapq.heappush(waiting, (when, serial, line.instance, body))
        while waiting:
            yield _event(heapq.heappop(waiting))

    def _plan(self, density: float) -> list[tuple[float, int, int]]:
        """(start, person index or -1 - line number for what a line does by itself, how many-th)."""
        calendar = Calendar(self.start, self.end)
        mean = density * ATTENDANCES_A_DAY * (self.end - self.start) / DAY
        plan = []
        for index in range(self.world.chats):
            die = dice(self.world.seed, "plan", index)
            count = int(die.expovariate(1.0) * mean + die.random())
            times = sorted(calendar.draw(die) for _ in range(count))
            plan += [(at, index, nth) for nth, at in enumerate(times)]
        for number, line in enumerate(self.world.lines):
            plan += self._line_plan(calendar, number, line, density)
        plan.sort()
        return plan

    def _line_plan(
        self, calendar: Calendar, number: int, line: Line, density: float
    ) -> list[tuple[float, int, int]]:
        die = dice(self.world.seed, "line plan", line.instance)
        days = (self.end - self.start) / DAY
        plan = [(self.start, -1 - number, 0)]
        talks = int(days * 0.35 * min(density, 1.0) * len(self.groups[line]) + die.random())
        plan += [(calendar.draw(die), -1 - number, 1) for _ in range(talks)]
        plan += [(calendar.draw(die), -1 - number, 2) for _ in range(int(days / 14))]
        return plan

    def _scene(self, at: float, index: int, nth: int) -> tuple[Line, list[Posted]]:
        if index < 0:
            line = self.world.lines[-1 - index]
            return line, self._line_scene(line, at, nth)
        line = self.world.line_of(index)
        person = self.world.person(index)
        die = dice(self.world.seed, "attendance", index, nth)
        turns = script.attendance(die, line, person, local_hour(at), self._mood(at, index, nth))
        if not is_open(at) and die.chance(0.4):
            _answer_with_notice(die, line, turns)
        bodies = self.bodies[line]
        return line, Attendance(die, bodies, person, at, first=nth == 0).play(turns)

    def _mood(self, at: float, index: int, nth: int) -> str:
        if self.world.strain is None:
            return ""
        # Dice of its own: the same people write at the same times, only angrier.
        return self.world.strain.mood_at(at, dice(self.world.seed, "strain", index, nth))

    def _line_scene(self, line: Line, at: float, what: int) -> list[Posted]:
        bodies = self.bodies[line]
        if what == 0:
            return self._opening(line, at)
        if what == 2:
            lost = bodies.envelope("connection.update", bodies.connection("connecting"), at)
            back = bodies.envelope("connection.update", bodies.connection("open"), at + 9)
            return [(at, lost), (at + 9, back)]
        die = dice(self.world.seed, "talk", line.instance, at)
        chosen = die.pick(self.groups[line])
        return GroupChat(die, bodies, chosen, at).play(script.group_chat(die, line, chosen.members))

    def _opening(self, line: Line, at: float) -> list[Posted]:
        bodies = self.bodies[line]
        posted = [(at, bodies.envelope("connection.update", bodies.connection("open"), at))]
        known = [bodies.group_metadata(one) for one in self.groups[line]]
        if known:
            posted.append((at + 1, bodies.envelope("groups.upsert", known, at + 1)))
        for number, (label_id, name) in enumerate(script.LABELS):
            data = bodies.label(label_id, name, number)
            posted.append((at + 2, bodies.envelope("labels.edit", data, at + 2)))
        return posted

    def _disturb(
        self, posted: list[Posted], words: tuple[Any, ...]
    ) -> Iterator[tuple[float, bytes]]:
        """Encode; repeat a few events, let a few come late."""
        die = dice("chaos", *words)
        for at, body in posted:
            if self.chaos and die.chance(self.chaos):
                again = at + die.uniform(3, 40)
                yield again, orjson.dumps(body | {"date_time": wall_clock(again)})
            late = die.uniform(5, 400) if self.chaos and die.chance(self.chaos) else 0.0
            yield at + late, orjson.dumps(body)


def _event(waiting: tuple[float, int, str, bytes]) -> GeneratedEvent:
    at, _, instance, body = waiting
    return GeneratedEvent(datetime.fromtimestamp(at, UTC), instance, body)


def _answer_with_notice(die: Dice, line: Line, turns: list[script.Turn]) -> None:
    """Out of hours a robot answers first."""
    words = book(line.vertical)
    speaker = Speaker(words, die, {"business": line.profile_name})
    at = next((number for number, turn in enumerate(turns) if not turn.by_customer), len(turns))
    notice = script.Turn(
        by_customer=False,
        text=speaker.say(words.agent["away"]),
        pause=3,
        via=script.VIA_BOT,
    )
    turns.insert(at, notice)
    for turn in turns[at + 1 :]:
        if turn.quotes is not None and turn.quotes >= at:
            turn.quotes += 1
