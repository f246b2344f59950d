"""Live traffic: attendances that begin now, at a wanted rate of events."""

from __future__ import annotations

import asyncio
import heapq
import time
from typing import TYPE_CHECKING, Any

from messaging.simulator import script
from messaging.simulator.dice import dice
from messaging.simulator.rhythm import local_hour, wall_clock
from messaging.simulator.stage import Attendance, GroupChat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messaging.simulator.people import Person
    from messaging.simulator.stage import Posted
    from messaging.simulator.state import Simulator
    from messaging.simulator.store import Instance

EVENTS_OF_AN_ATTENDANCE = 34.0
GROUP_SHARE = 0.07
FIRST_PACE = 0.35
"""Live people are quicker than those of the history: somebody is watching."""
KINDS = (
    "text",
    "image",
    "audio",
    "video",
    "document",
    "sticker",
    "location",
    "contact",
    "reaction",
    "call",
    "ad",
)


class Traffic:
    """Starts attendances so that on average `rate` events a second are posted."""

    def __init__(self, sim: Simulator, rate: float) -> None:
        self.sim = sim
        self.rate = rate
        self.posted = 0
        self._die = dice(sim.options.seed, "live", int(time.time()))
        self._waiting: list[tuple[float, int, Instance, dict[str, Any]]] = []
        self._serial = 0
        self._task: asyncio.Task[None] | None = None

    def shown(self) -> dict[str, Any]:
        return {
            "running": self._task is not None,
            "rate": self.rate,
            "posted": self.posted,
            "waiting": len(self._waiting),
        }

    def start(self) -> None:
        if self._task is None and self.rate > 0:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        next_start = 0.0
        while True:
            now = time.time()
            if not self._connected():
                next_start = 0.0
                await asyncio.sleep(0.5)
                continue
            if not next_start:
                # The first ones began in the past, so that the page moves at once.
                next_start = now - 8 * EVENTS_OF_AN_ATTENDANCE / max(self.rate, 0.01)
            while next_start <= now and self.rate > 0:
                self._begin(next_start)
                next_start += self._die.expovariate(self.rate / EVENTS_OF_AN_ATTENDANCE)
            while self._waiting and self._waiting[0][0] <= now:
                _, _, instance, body = heapq.heappop(self._waiting)
                self.sim.post(instance, body)
                self.posted += 1
            pause = min([next_start, *(item[0] for item in self._waiting[:1])]) - time.time()
            await asyncio.sleep(min(max(pause, 0.01), 1.0))

    def _connected(self) -> list[Instance]:
        return [one for one in self.sim.store.instances.values() if one.state == "open" or one.cut]

    def _begin(self, at: float) -> None:
        instance, person = self._someone(self._connected())
        for when, body in still_to_come(self._scene(instance, person, at), time.time() - 5):
            self._serial += 1
            heapq.heappush(self._waiting, (when, self._serial, instance, body))

    def _someone(self, candidates: list[Instance]) -> tuple[Instance, Person]:
        world, die = self.sim.world, self._die
        own = {one.line.instance: one for one in candidates}
        for _ in range(20):
            index = int(die.random() * world.chats)
            instance = own.get(world.line_of(index).instance)
            if instance is not None:
                return instance, world.person(index)
        # Instances that are not lines of this world (created by a client) get anybody.
        return die.pick(candidates), world.person(int(die.random() * world.chats))

    def _scene(self, instance: Instance, person: Person, at: float) -> list[Posted]:
        die = dice(self.sim.options.seed, "live", person.index, int(at))
        if die.chance(GROUP_SHARE):
            groups = self.sim.world.groups(instance.line, instance.created)
            if groups:
                group = die.pick(groups)
                turns = script.group_chat(die, instance.line, group.members)
                return GroupChat(die, instance.bodies, group, at, pace=FIRST_PACE).play(turns)
        turns = script.attendance(die, instance.line, person, local_hour(at))
        scene = Attendance(die, instance.bodies, person, at, first=False, pace=FIRST_PACE)
        return scene.play(turns)


def still_to_come(posted: list[Posted], since: float) -> Iterator[Posted]:
    """Leave out the past, and what speaks of messages in it: nobody could know them."""
    past: set[str] = set()
    for when, body in sorted(posted, key=lambda item: item[0]):
        about = _subject(body["data"])
        if when < since:
            past.add(about)
        elif about not in past or not about:
            yield when, body


def _subject(data: Any) -> str:
    """The id of the message that an event brings or speaks of."""
    if not isinstance(data, dict):
        return ""
    key = data.get("key")
    reaction = (data.get("message") or {}).get("reactionMessage")
    if reaction:
        key = reaction["key"]
    wa_id = key.get("id") if isinstance(key, dict) else data.get("keyId") or data.get("id")
    return str(wa_id or "")


def make_scene(sim: Simulator, instance: Instance, wanted: dict[str, Any]) -> list[Posted]:
    """One message of the wanted `kind` from a person of this world, or a whole conversation.

    `chat` picks the person by index, `from_me` makes it the business's own phone, `text`,
    `detail` and `quotes` (a message id) fill it; `ago` seconds ago it was written.
    """
    die = dice(sim.options.seed, "emit", time.time_ns())
    person = sim.world.person(int(wanted.get("chat", 0)) % sim.world.chats)
    now = time.time() - float(wanted.get("ago", 0))
    scene = Attendance(die, instance.bodies, person, now, first=bool(wanted.get("first")))
    if wanted.get("kind") == "history":
        return [(now, _history(sim, instance, person, wanted))]
    if wanted.get("kind") == "conversation":
        turns = script.attendance(die, instance.line, person, local_hour(now))
        stamped = scene.play(turns)
        return [(at, body | {"date_time": wall_clock(now)}) for at, body in stamped]
    turn = _turn(wanted)
    if wanted.get("quotes"):
        scene.sent.append(instance.messages[str(wanted["quotes"])].data)
        turn.quotes = 0
    played = scene.play([turn])
    if wanted.get("unread", True):
        played = [item for item in played if item[1]["event"] != "messages.update"]
    return played


def _history(
    sim: Simulator, instance: Instance, person: Person, wanted: dict[str, Any]
) -> dict[str, Any]:
    """What the phone hands over after pairing: old conversations in one large event."""
    now = time.time()
    messages: list[dict[str, Any]] = []
    for nth in range(int(wanted.get("conversations", 3))):
        die = dice(sim.options.seed, "history", person.index, nth)
        at = now - die.uniform(30, 120) * 86_400
        turns = script.attendance(die, instance.line, person, local_hour(at))
        posted = Attendance(die, instance.bodies, person, at, first=False).play(turns)
        messages += [
            body["data"]
            for _, body in posted
            if body["event"] in {"messages.upsert", "send.message"}
        ]
    return instance.bodies.history(messages, now, int(wanted.get("progress", 100)))


def _turn(wanted: dict[str, Any]) -> script.Turn:
    kind = str(wanted.get("kind", "text"))
    if kind not in KINDS:
        raise ValueError(kind)
    return script.Turn(
        by_customer=not wanted.get("from_me"),
        kind=kind,
        text=str(wanted.get("text", "Oi, tudo bem?" if kind in {"text", "ad"} else "")),
        detail=str(wanted.get("detail", "timeout" if kind == "call" else "")),
        pause=0.0,
        via=script.VIA_PHONE,
        fate=str(wanted.get("fate", "")),
        new_text=str(wanted.get("new_text", "")),
    )
