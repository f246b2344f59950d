"""One running simulator: its parts, its settings and what happens to an instance."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from messaging.simulator import script
from messaging.simulator.delivery import Deliverer
from messaging.simulator.dice import dice
from messaging.simulator.faults import Faults
from messaging.simulator.generator import World
from messaging.simulator.journal import Journal
from messaging.simulator.pairing import Pairing
from messaging.simulator.rhythm import wall_clock
from messaging.simulator.sessions import Sessions
from messaging.simulator.stage import Attendance
from messaging.simulator.store import Store
from messaging.simulator.traffic import Traffic
from messaging.simulator.versions import DEFAULT_VERSION, behaviour

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2

    from messaging.simulator.people import Line
    from messaging.simulator.store import Instance
    from messaging.simulator.versions import Version


@dataclass(frozen=True, slots=True)
class Options:
    version: str = DEFAULT_VERSION
    global_key: str = "simulator-key"
    seed: int = 1
    chats: int = 60
    rate: float = 0.0
    """Live events per second; 0 is silence."""
    time_factor: float = 1.0
    """Scales every waiting time of Evolution and WhatsApp; tests use nearly 0."""
    reply_share: float = 0.0
    """How often a customer answers what the business sends through the API."""
    auto_pair_seconds: float | None = None
    """A phone scans the QR by itself after so long; None waits for `/_sim/pair`."""
    qr_seconds: float = 45.0
    """Real seconds that a code lives, whatever the time factor."""
    qr_limit: int = 30
    licensed: bool = False
    """Whether a version that needs a licence starts with one."""


class Simulator:
    def __init__(
        self,
        options: Options | None = None,
        *,
        world: World | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.options = options or Options()
        self.world = world or World(self.options.seed, self.options.chats)
        self.store = Store(self.options.version)
        self.faults = Faults(self.options.seed)
        self.journal = Journal()
        self.deliverer = Deliverer(
            self.journal,
            self.faults,
            time_factor=self.options.time_factor,
            transport=transport,
        )
        self.traffic = Traffic(self, self.options.rate)
        self.sessions = Sessions(self)
        self.pairing = Pairing(self)
        self.die = dice(self.options.seed, "simulator", time.time_ns())
        self.is_licensed = self.options.licensed or not self.version.needs_license
        self.is_down = False
        """Nothing of Evolution answers; `/_sim` still does."""
        self._later: set[asyncio.TimerHandle] = set()

    @property
    def version(self) -> Version:
        return behaviour(self.options.version)

    @property
    def lines(self) -> dict[str, Line]:
        return {line.instance: line for line in self.world.lines}

    def later(self, seconds: float, action: Callable[[], Any]) -> None:
        """Run `action` after a scaled time."""

        def run() -> None:
            self._later.discard(timer)
            action()

        wait = seconds * self.options.time_factor
        timer = asyncio.get_running_loop().call_later(wait, run)
        self._later.add(timer)

    @property
    def factor(self) -> float:
        return self.options.time_factor

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self.options.time_factor)

    async def settle(self, limit: float = 10.0) -> None:
        """Wait until nothing scheduled or undelivered is left (tests)."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            waiting = self.deliverer.under_way
            if not waiting and not self._later:
                return
            if waiting:
                await asyncio.wait(waiting, timeout=0.2)
            else:
                await asyncio.sleep(0.001)

    def now(self) -> float:
        return time.time()

    async def close(self) -> None:
        self.traffic.stop()
        self.pairing.close()
        for timer in self._later:
            timer.cancel()
        await self.deliverer.close()

    def emit(self, instance: Instance, event: str, data: Any) -> None:
        if not self.deliverer.is_wanted(instance, event):
            return
        body = instance.bodies.envelope(event, data, time.time(), paired=instance.owner is not None)
        if instance.is_cloud:
            body.pop("sender", None)
        self.deliverer.emit(instance, body)

    def post(self, instance: Instance, body: dict[str, Any]) -> None:
        """Send a ready envelope, and remember the message in it."""
        self.remember(instance, body)
        self.deliverer.emit(instance, body)

    def remember(self, instance: Instance, body: dict[str, Any]) -> None:
        """Keep what an envelope says in the instance's store."""
        data = body["data"]
        if body["event"] in {"messages.upsert", "send.message"} and isinstance(data, dict):
            instance.keep(data, self._stored_key(instance, data["key"]))
        elif body["event"] == "messages.update" and data.get("status"):
            stored = instance.messages.get(data["keyId"])
            if stored is not None:
                stored.statuses.append(str(data["status"]))

    def _stored_key(self, instance: Instance, key: dict[str, Any]) -> dict[str, Any]:
        """2.3.7 shows the phone in events and keeps the LID in its database."""
        if not instance.bodies.version.keeps_lids or key.get("addressingMode") != "lid":
            return key
        known = self.world.by_jid.get(key["remoteJid"])
        return key if known is None else key | {"remoteJid": known[1].lid}

    def customer_may_answer(self, instance: Instance, data: dict[str, Any]) -> None:
        """A person of this world sometimes answers what the business wrote."""
        found = self.world.by_jid.get(data["key"]["remoteJid"])
        if found is None or not self.die.chance(self.options.reply_share):
            return
        person = found[1]
        turns = script.answer(self.die, instance.line, person)
        scene = Attendance(self.die, instance.bodies, person, 0.0, first=False, pace=0.3)
        scene.sent.append(data)
        started = time.time()

        def post(at: float, body: dict[str, Any]) -> Callable[[], None]:
            return lambda: self.post(instance, body | {"date_time": wall_clock(started + at)})

        scene.at = started + self.die.uniform(6, 25)
        for at, body in scene.play(turns):
            self.later(at - started, post(at - started, body))
