"""Every accepted send and every delivered webhook, so that tests can count exactly."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

LIMIT = 200_000


@dataclass(frozen=True, slots=True)
class AcceptedSend:
    serial: int
    at: float
    instance: str
    operation: str
    number: str
    jid: str
    message_id: str
    message_type: str
    text: str
    answered: bool
    request: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Journal:
    sends: deque[AcceptedSend] = field(default_factory=lambda: deque(maxlen=LIMIT))
    serial: int = 0
    webhooks: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("emitted", "delivered", "retried", "given_up", "refused", "dropped"), 0
        )
    )

    def accepted(self, **fields: Any) -> None:
        self.serial += 1
        self.sends.append(AcceptedSend(serial=self.serial, at=time.time(), **fields))

    def count(self, what: str) -> None:
        self.webhooks[what] += 1

    def shown(self, *, instance: str = "", after: int = 0) -> dict[str, Any]:
        rows = [
            asdict(send)
            for send in self.sends
            if send.serial > after and instance in {"", send.instance}
        ]
        return {"total": self.serial, "sends": rows, "webhooks": dict(self.webhooks)}

    def clear(self) -> None:
        self.sends.clear()
        self.serial = 0
        for name in self.webhooks:
            self.webhooks[name] = 0
