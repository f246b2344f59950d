"""Every accepted send and every delivered webhook, so that tests can count exactly."""

from __future__ import annotations

import time
from collections import Counter, deque
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
    shown: bool = True
    """False when the id was used before: WhatsApp shows only the first of its kind."""
    request: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AcceptedAct:
    """Something done to messages that exist: edit, deletion, read mark, presence."""

    at: float
    instance: str
    operation: str
    jid: str
    message_ids: tuple[str, ...] = ()


@dataclass(slots=True)
class Journal:
    sends: deque[AcceptedSend] = field(default_factory=lambda: deque(maxlen=LIMIT))
    acts: deque[AcceptedAct] = field(default_factory=lambda: deque(maxlen=LIMIT))
    serial: int = 0
    in_flight: Counter[str] = field(default_factory=Counter)
    at_once: Counter[str] = field(default_factory=Counter)
    """The most sends that each instance had in hand at one moment."""
    webhooks: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("emitted", "delivered", "retried", "given_up", "refused", "dropped", "cut"), 0
        )
    )

    def accepted(self, **fields: Any) -> None:
        self.serial += 1
        self.sends.append(AcceptedSend(serial=self.serial, at=time.time(), **fields))

    def acted(self, instance: str, operation: str, jid: str, *ids: str) -> None:
        self.acts.append(AcceptedAct(time.time(), instance, operation, jid, ids))

    def begin(self, instance: str) -> None:
        self.in_flight[instance] += 1
        self.at_once[instance] = max(self.at_once[instance], self.in_flight[instance])

    def end(self, instance: str) -> None:
        self.in_flight[instance] -= 1

    def count(self, what: str) -> None:
        self.webhooks[what] += 1

    def shown(self, *, instance: str = "", after: int = 0) -> dict[str, Any]:
        rows = [
            asdict(send)
            for send in self.sends
            if send.serial > after and instance in {"", send.instance}
        ]
        acts = [asdict(act) for act in self.acts if instance in {"", act.instance}]
        return {
            "total": self.serial,
            "sends": rows,
            "acts": acts,
            "at_once": dict(self.at_once),
            "webhooks": dict(self.webhooks),
        }

    def clear(self) -> None:
        self.sends.clear()
        self.acts.clear()
        self.at_once.clear()
        self.serial = 0
        for name in self.webhooks:
            self.webhooks[name] = 0
