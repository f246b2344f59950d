"""QR and pairing codes: shown, refreshed, refused at the limit, scanned by a phone."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from messaging.simulator.media_bytes import qr_image
from messaging.simulator.store import PairingTry

if TYPE_CHECKING:
    from messaging.simulator.state import Simulator
    from messaging.simulator.store import Instance

LETTERS = "ABCDEFGHJKLMNPQRSTVWXYZ123456789"
FAILED = {"error": True, "message": "[object Object]"}
NOTHING_YET = {"count": 0}
FORBIDDEN = 403


class Plan(StrEnum):
    """What the next connect calls are answered with."""

    NORMAL = "normal"
    NO_CODE = "no_code"
    ERROR = "error"


class Pairing:
    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        # A code lives for real seconds, whatever the time factor: a person scans it.
        self._timers: deque[asyncio.TimerHandle] = deque(maxlen=100)

    def close(self) -> None:
        for timer in self._timers:
            timer.cancel()

    async def connect(self, instance: Instance, number: str | None) -> dict[str, Any]:
        """Answer `GET /instance/connect`: always 200, whatever happened."""
        if instance.state == "open":
            return {"instance": {"instanceName": instance.name, "state": "open"}}
        if self._is_planned(instance, Plan.ERROR):
            return dict(FAILED)
        if instance.state == "connecting" and instance.pairing.shown is not None:
            # Evolution shows the code it has; a number that comes only now is ignored.
            return instance.pairing.shown
        if instance.has_credentials:
            self.sim.sessions.reconnect(instance)
            return dict(NOTHING_YET)
        if self._is_planned(instance, Plan.NO_CODE):
            self._connecting(instance)
            return dict(NOTHING_YET)
        answer = self.begin(instance, number)
        await self.sim.sleep(2)
        return answer

    def begin(self, instance: Instance, number: str | None = None) -> dict[str, Any]:
        """Ask WhatsApp for a first code; a pairing code comes along only for a number."""
        instance.pairing = replace(PairingTry(), serial=instance.pairing.serial + 1, number=number)
        self._connecting(instance)
        shown = self._show(instance)
        wait = self.sim.options.auto_pair_seconds
        if wait is not None:
            serial = instance.pairing.serial
            self.sim.later(wait, lambda: self._scan_by_itself(instance, serial))
        return shown

    def refresh(self, instance: Instance) -> None:
        """The code has expired: the next one, or the end of trying."""
        if instance.state != "connecting":
            return
        if instance.pairing.count >= self.sim.options.qr_limit:
            self.refuse(instance)
        else:
            self._show(instance)

    def scan(self, instance: Instance, number: str | None = None) -> None:
        """A phone has scanned the code; another number is another phone."""
        if instance.state == "open" or instance.name not in self.sim.store.instances:
            return
        if number and number != instance.line.number:
            self.sim.store.rewire(instance, replace(instance.line, number=number))
        instance.owner = instance.line.jid
        instance.has_credentials = True
        self.forget(instance)
        self.sim.sessions.change_state(instance, "open")

    def ban(self, instance: Instance) -> None:
        """WhatsApp refuses the number in the middle of pairing."""
        self.forget(instance)
        self.sim.sessions.end(instance, FORBIDDEN)

    def plan(self, instance: Instance, plan: Plan, times: int | None) -> None:
        """Answer the next `times` connects so; None means until told otherwise."""
        instance.plan, instance.plan_times = plan, times

    def _is_planned(self, instance: Instance, plan: Plan) -> bool:
        if instance.plan != plan:
            return False
        if instance.plan_times is not None:
            instance.plan_times -= 1
            if instance.plan_times <= 0:
                self.plan(instance, Plan.NORMAL, None)
        return True

    def _connecting(self, instance: Instance) -> None:
        if instance.state != "connecting":
            self.sim.sessions.change_state(instance, "connecting")

    def _show(self, instance: Instance) -> dict[str, Any]:
        tried, die = instance.pairing, self.sim.die
        tried.count += 1
        code = f"2@{die.randbytes(24).hex()}==,{die.hex(12)},{die.hex(10)}"
        qr = {
            "pairingCode": "".join(die.pick(LETTERS) for _ in range(8)) if tried.number else None,
            "code": code,
            "base64": qr_image(code),
        }
        tried.shown = qr | {"count": tried.count}
        self.sim.emit(instance, "qrcode.updated", {"qrcode": {"instance": instance.name, **qr}})
        serial, count = tried.serial, tried.count
        self._timers.append(
            asyncio.get_running_loop().call_later(
                self.sim.options.qr_seconds, self._expire, instance, serial, count
            )
        )
        return tried.shown

    def _expire(self, instance: Instance, serial: int, count: int) -> None:
        if (instance.pairing.serial, instance.pairing.count) == (serial, count):
            self.refresh(instance)

    def _scan_by_itself(self, instance: Instance, serial: int) -> None:
        if instance.state == "connecting" and instance.pairing.serial == serial:
            self.scan(instance)

    def refuse(self, instance: Instance) -> None:
        """WhatsApp shows no more codes: a person has to begin anew."""
        self.forget(instance)
        message = "QR code limit reached, please login again"
        self.sim.emit(instance, "qrcode.updated", {"message": message, "statusCode": 500})
        self.sim.sessions.change_state(instance, "refused", 428)

    def forget(self, instance: Instance) -> None:
        """Let nothing that is under way touch this instance any more."""
        instance.pairing = PairingTry(serial=instance.pairing.serial + 1)
