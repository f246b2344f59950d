"""One running simulator: its parts, its settings and what happens to an instance."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from messaging.simulator import script
from messaging.simulator.delivery import Deliverer
from messaging.simulator.dice import dice
from messaging.simulator.faults import Faults
from messaging.simulator.generator import World
from messaging.simulator.journal import Journal
from messaging.simulator.rhythm import iso_utc, wall_clock
from messaging.simulator.stage import Attendance
from messaging.simulator.store import Instance, Store
from messaging.simulator.traffic import Traffic
from messaging.simulator.versions import DEFAULT_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2

    from messaging.simulator.people import Line

QR_LIMIT = 30
QR_SECONDS = 45.0
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q"
    "DwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


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
        self.die = dice(self.options.seed, "simulator", time.time_ns())
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: deque[asyncio.TimerHandle] = deque(maxlen=100)

    @property
    def lines(self) -> dict[str, Line]:
        return {line.instance: line for line in self.world.lines}

    def later(self, seconds: float, action: Callable[[], Any]) -> None:
        """Run `action` after a scaled time."""

        async def wait() -> None:
            await asyncio.sleep(seconds * self.options.time_factor)
            action()

        task = asyncio.get_running_loop().create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self.options.time_factor)

    async def settle(self, limit: float = 10.0) -> None:
        """Wait until nothing scheduled or undelivered is left (tests)."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            waiting = self._tasks | self.deliverer.under_way
            if not waiting:
                return
            await asyncio.wait(waiting, timeout=0.2)

    def now(self) -> float:
        return time.time()

    async def close(self) -> None:
        self.traffic.stop()
        for timer in self._timers:
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.deliverer.close()

    def emit(self, instance: Instance, event: str, data: Any) -> None:
        body = instance.bodies.envelope(event, data, time.time(), paired=instance.owner is not None)
        if instance.is_cloud:
            body.pop("sender", None)
        self.deliverer.emit(instance, body)

    def post(self, instance: Instance, body: dict[str, Any]) -> None:
        """Send a ready envelope, and remember the message in it."""
        self._remember(instance, body)
        self.deliverer.emit(instance, body)

    def _remember(self, instance: Instance, body: dict[str, Any]) -> None:
        data = body["data"]
        if body["event"] in {"messages.upsert", "send.message"} and isinstance(data, dict):
            instance.keep(data)
        elif body["event"] == "messages.update" and data.get("status"):
            stored = instance.messages.get(data["keyId"])
            if stored is not None:
                stored.statuses.append(str(data["status"]))

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

    def show_qr(self, instance: Instance, number: str | None = None) -> dict[str, Any]:
        """Produce the next QR code; the pairing code only when a number was given."""
        instance.qr_count += 1
        code = f"2@{self.die.randbytes(24).hex()}==,{self.die.hex(12)},{self.die.hex(10)}"
        qr = {
            "pairingCode": self._pairing_code() if number else None,
            "code": code,
            "base64": f"data:image/png;base64,{PNG}",
        }
        if instance.qr_count > QR_LIMIT:
            message = "QR code limit reached, please login again"
            self.emit(instance, "qrcode.updated", {"message": message, "statusCode": 500})
            self.change_state(instance, "refused", 428)
            return {"count": instance.qr_count}
        self.emit(instance, "qrcode.updated", {"qrcode": {"instance": instance.name, **qr}})
        return qr | {"count": instance.qr_count}

    def _pairing_code(self) -> str:
        return "".join(self.die.choice("ABCDEFGHJKLMNPQRSTVWXYZ123456789") for _ in range(8))

    def begin_pairing(self, instance: Instance, number: str | None) -> dict[str, Any]:
        if instance.state != "connecting":
            self.change_state(instance, "connecting")
        qr = self.show_qr(instance, number)
        # A code lives for real seconds, whatever the time factor: a person scans it.
        timer = asyncio.get_running_loop().call_later(
            QR_SECONDS, self._refresh_qr, instance, instance.qr_count, number
        )
        self._timers.append(timer)
        if self.options.auto_pair_seconds is not None:
            self.later(self.options.auto_pair_seconds, lambda: self.pair(instance))
        return qr

    def _refresh_qr(self, instance: Instance, count: int, number: str | None) -> None:
        if instance.state == "connecting" and instance.qr_count == count:
            self.begin_pairing(instance, number)

    def pair(self, instance: Instance, number: str | None = None) -> None:
        """A phone scanned the code."""
        if instance.state == "open" or instance.name not in self.store.instances:
            return
        if number and number != instance.line.number:
            self.store.rewire(instance, replace(instance.line, number=number))
        instance.owner = instance.line.jid
        instance.qr_count = 0
        self.change_state(instance, "open")

    def change_state(self, instance: Instance, state: str, reason: int = 200) -> None:
        instance.state = "close" if state == "refused" else state
        instance.updated = time.time()
        self.emit(instance, "connection.update", instance.bodies.connection(state, reason))

    def end_session(self, instance: Instance, reason: int) -> None:
        """A final close: three notices for one fact."""
        instance.last_status_code = reason
        status = {
            "instance": instance.name,
            "status": "closed",
            "disconnectionAt": iso_utc(time.time()),
            "disconnectionReasonCode": reason,
            "disconnectionObject": f'{{"error":{{"output":{{"statusCode":{reason}}}}}}}',
        }
        self.emit(instance, "status.instance", status)
        self.emit(instance, "logout.instance", None)
        self.change_state(instance, "close", reason)
