"""Misbehaviour on request: what the network, WhatsApp and Evolution do on bad days."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from messaging.simulator.dice import Dice, dice
from messaging.simulator.errors import ApiError

ANY = "*"


class FaultKind(StrEnum):
    DELAY = "delay"
    """REST answers (or webhooks) come `seconds` late."""
    ERROR = "5xx"
    HANG = "hang"
    """No answer until the client gives up (or `seconds` pass)."""
    LOST_ANSWER = "lost_answer"
    """The send is accepted, but its answer never arrives."""
    LATE_ANSWER = "late_answer"
    """The send is accepted at once, and answered `seconds` later."""
    FAILED_ANSWER = "failed_answer"
    """The send is accepted, but answered with `status`."""
    CONNECTION_CLOSED = "connection_closed"
    LICENSE = "license"
    WRONG_NUMBER = "wrong_number"
    CLOUD_ERROR = "cloud_error"
    BAD_DECRYPT = "bad_decrypt"
    DROP = "drop"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    NO_RECEIPTS = "no_receipts"
    FAILED_RECEIPT = "failed_receipt"


WEBHOOK_KINDS = frozenset({FaultKind.DROP, FaultKind.DUPLICATE, FaultKind.REORDER})


@dataclass(slots=True)
class Fault:
    id: int
    kind: FaultKind
    instance: str = ANY
    target: str = "rest"
    """'rest' or 'webhook'."""
    probability: float = 1.0
    count: int | None = None
    """Applies so many times; None means until it is removed."""
    seconds: float = 1.0
    status: int = 500
    numbers: tuple[str, ...] = ()
    hits: int = 0

    def fits(self, kind: FaultKind, instance: str, target: str) -> bool:
        return (
            self.kind is kind
            and self.instance in {ANY, instance}
            and self.target == target
            and self.count != 0
        )


class Faults:
    def __init__(self, seed: int) -> None:
        self._die: Dice = dice(seed, "faults")
        self._faults: dict[int, Fault] = {}
        self._ids: Iterator[int] = itertools.count(1)

    def add(self, request: dict[str, Any]) -> Fault:
        try:
            kind = FaultKind(str(request.get("kind")))
        except ValueError:
            known = ", ".join(FaultKind)
            raise ApiError(400, [f"unknown fault; known: {known}"]) from None
        target = "webhook" if kind in WEBHOOK_KINDS else request.get("target", "rest")
        count = request.get("count")
        fault = Fault(
            id=next(self._ids),
            kind=kind,
            instance=str(request.get("instance") or ANY),
            target=target,
            probability=float(request.get("probability", 1.0)),
            count=None if count is None else int(count),
            seconds=float(request.get("seconds", 1.0)),
            status=int(request.get("status", 500)),
            numbers=tuple(str(number) for number in request.get("numbers", ())),
        )
        self._faults[fault.id] = fault
        return fault

    def __bool__(self) -> bool:
        return bool(self._faults)

    def clear(self, fault_id: int | None = None) -> None:
        if fault_id is None:
            self._faults.clear()
        else:
            self._faults.pop(fault_id, None)

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._faults.values()]

    def strike(self, kind: FaultKind, instance: str, target: str = "rest") -> Fault | None:
        """The fault that hits now, if any; a counted one is used up by it."""
        for fault in self._faults.values():
            if fault.fits(kind, instance, target) and self._die.chance(fault.probability):
                fault.hits += 1
                if fault.count is not None:
                    fault.count -= 1
                return fault
        return None

    def is_wrong(self, instance: str, digits: str) -> bool:
        return any(
            fault.fits(FaultKind.WRONG_NUMBER, instance, "rest") and digits in fault.numbers
            for fault in self._faults.values()
        )
