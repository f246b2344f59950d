"""What a person leaves behind in a company, and how it goes to somebody else.

Apps announce what they hand over in `AppConfig.ready`:

    register_handover("drafts", _("Unsent drafts"), count_of, move, _("Nobody: they are deleted"))

`counter(user_id)` and `mover(user_id, to_user_id)` run in the company's schema, the mover inside
the transaction that deactivates the person; `to_user_id` None means that nobody takes it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Counter = Callable[[int], int]
Mover = Callable[[int, int | None], int]


@dataclass(frozen=True, slots=True)
class Handover:
    name: str
    label: Any
    counter: Counter
    mover: Mover
    # What happens when nobody takes them.
    otherwise: Any


@dataclass(frozen=True, slots=True)
class Estate:
    """How much of one kind a person holds now."""

    name: str
    label: Any
    count: int
    otherwise: Any


_handovers: dict[str, Handover] = {}


def register_handover(
    name: str, label: Any, counter: Counter, mover: Mover, otherwise: Any
) -> None:
    """Add something that people hold, or replace the one with this name."""
    _handovers[name] = Handover(name, label, counter, mover, otherwise)


def estates_of(user_id: int) -> list[Estate]:
    """Return what the person holds, leaving out what there is nothing of."""
    found = [
        Estate(one.name, one.label, one.counter(user_id), one.otherwise)
        for one in _handovers.values()
    ]
    return [estate for estate in found if estate.count]


def hand_over(user_id: int, heirs: Mapping[str, int | None]) -> dict[str, int]:
    """Give everything to the heir named for its kind; returns how much of each went."""
    moved = {one.name: one.mover(user_id, heirs.get(one.name)) for one in _handovers.values()}
    return {name: count for name, count in moved.items() if count}
