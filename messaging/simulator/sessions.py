"""What becomes of a session: states, final closes, restarts, and cuts made on request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from messaging.simulator.rhythm import iso_utc
from messaging.simulator.store import disconnection_object

if TYPE_CHECKING:
    from messaging.simulator.state import Simulator
    from messaging.simulator.store import Instance

CONNECTION_CLOSED = 428
RECONNECT_SECONDS = 2.0
ABOUT_THE_SESSION = frozenset(
    {"connection.update", "qrcode.updated", "status.instance", "logout.instance", "remove.instance"}
)


class How(StrEnum):
    SILENT = "silent"
    """Looks open and answers, but no event leaves."""
    CLOSE = "close"
    """The socket is closed and may be opened again without a code."""
    DOWN = "down"
    """Neither REST nor webhooks answer: connections are reset."""


@dataclass(slots=True)
class Cut:
    how: How
    refuse: int | None = 0
    """So many reconnects or restarts do not help; None means none does until it is healed."""

    def lets_pass(self, event: str) -> bool:
        return self.how is not How.DOWN and event in ABOUT_THE_SESSION

    def yields(self) -> bool:
        """Whether this attempt to come back succeeds."""
        if self.refuse is None or self.refuse > 0:
            self.refuse = None if self.refuse is None else self.refuse - 1
            return False
        return True


class Sessions:
    def __init__(self, sim: Simulator) -> None:
        self.sim = sim

    def change_state(self, instance: Instance, state: str, reason: int = 200) -> None:
        instance.state = "close" if state == "refused" else state
        instance.updated = time.time()
        body = instance.bodies.connection(state, reason)
        self.sim.emit(instance, "connection.update", body)

    def end(self, instance: Instance, reason: int) -> None:
        """A final close: three notices for one fact."""
        instance.last_status_code, instance.closed_at = reason, time.time()
        instance.has_credentials = False
        instance.cut = None
        status = {
            "instance": instance.name,
            "status": "closed",
            "disconnectionAt": iso_utc(instance.closed_at),
            "disconnectionReasonCode": reason,
            "disconnectionObject": disconnection_object(reason),
        }
        self.sim.emit(instance, "status.instance", status)
        self.sim.emit(instance, "logout.instance", None)
        self.change_state(instance, "close", reason)

    def cut(
        self,
        instance: Instance,
        how: How,
        *,
        refuse: int | None = 0,
        reason: int = CONNECTION_CLOSED,
    ) -> None:
        """Cut the session off; what customers write meanwhile is kept for `findMessages`."""
        instance.cut = Cut(how, refuse)
        if how is How.CLOSE:
            instance.last_status_code, instance.closed_at = reason, time.time()
            self.change_state(instance, "close", reason)

    def heal(self, instance: Instance) -> None:
        """End the cut. Events that were held back in it are lost, as in life."""
        cut, instance.cut = instance.cut, None
        if cut is not None and cut.how is How.CLOSE and instance.state != "open":
            self.reconnect(instance)

    def restart(self, instance: Instance) -> None:
        self.change_state(instance, "connecting")
        self.sim.later(RECONNECT_SECONDS, lambda: self._come_back(instance))

    def reconnect(self, instance: Instance) -> None:
        """Open the socket again with the stored credentials."""
        if instance.state != "connecting":
            self.restart(instance)

    def _come_back(self, instance: Instance) -> None:
        if instance.state != "connecting" or not instance.has_credentials:
            return
        cut = instance.cut
        if cut is None or cut.how is How.DOWN:
            self.change_state(instance, "open")
        elif cut.yields():
            instance.cut = None
            self.change_state(instance, "open")
        elif cut.how is How.SILENT:
            self.change_state(instance, "open")
        else:
            self.change_state(instance, "close", CONNECTION_CLOSED)
