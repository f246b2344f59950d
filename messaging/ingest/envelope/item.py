"""One item of an event on its way through the readers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from messaging.ingest.envelope.facts import AliasFact, Fact
from messaging.ingest.envelope.jids import Address, Key

# What reading hostile data can raise; anything else is our bug and must be seen.
PARSE_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class UnreadableError(ValueError):
    """Raised for an item that lacks what would make it a fact."""


@dataclass(frozen=True, slots=True)
class Item:
    data: Any
    event: str
    own: str
    now: datetime
    index: int
    is_listed: bool = False

    def fields(self) -> dict[str, Any]:
        """Return the object, or refuse the item."""
        if not isinstance(self.data, dict):
            raise UnreadableError(f"item is {type(self.data).__name__}, not an object")
        return self.data


def aliases(*parties: Address | None) -> list[Fact]:
    """The LID ↔ phone pairs that these parties reveal."""
    return [
        AliasFact(lid=party.lid, pn=party.jid)
        for party in parties
        if party is not None and party.lid and party.kind == "pn"
    ]


def require_id(key: Key) -> str:
    if not key.id:
        raise UnreadableError("the key has no id")
    return key.id
