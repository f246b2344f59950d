"""What was taken from a lane, read from its row: where it goes, and what the client needs."""

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from evosense.core.crypto import decrypt
from messaging.addresses import join_jid
from messaging.ingest.apply.people import ADDRESS_PLACE
from messaging.models import Identity, Outgoing
from messaging.sql import Row

_Kind = Outgoing.Kind
# Repeating these changes nothing at WhatsApp, so what is uncertain is simply tried again.
ACTS = frozenset({_Kind.REACTION, _Kind.EDIT, _Kind.DELETE, _Kind.READ})
_STATUS_JID = "status@broadcast"


@dataclass(slots=True)
class Taken:
    """One thing that is ours to send now; `token` proves it."""

    token: UUID
    # Of the monotonic clock, before the intent is committed.
    at: float
    id: int
    kind: str
    payload: dict[str, Any] = field(repr=False)
    preset_id: str
    number: int
    # Earlier attempts that ended by a fault of nobody in particular; see `Outgoing`.
    passing_faults: int
    conversation_id: int | None
    message_id: int | None
    # Seconds since it was due, and since it was written.
    waited: float
    age: float
    # JID that it goes to, and the key of that address; "" when the contact has none.
    to: str = field(repr=False)
    to_hmac: bytes = field(repr=False)
    # Of an act: the id of the message that it is about, and whether that is ours.
    target_id: str
    target_is_ours: bool

    @property
    def is_act(self) -> bool:
        return self.kind in ACTS


def read(token: UUID, row: Row) -> Taken:
    """Read a row of `statements.TAKE`; asks the database once more for people in the payload."""
    (pk, kind, text, preset, number, faults, conversation, message, waited, age) = row[:10]
    to_kind, to_address, to_hmac, target, direction, writer_kind, writer = row[10:]
    payload = orjson.loads(text)
    if target:
        payload["target"] = {"provider_id": target, "from_me": direction == "outbound"}
        if writer is not None:
            payload["target"]["participant"] = _jid(writer_kind, writer)
    _name_people(kind, payload)
    return Taken(
        token=token,
        at=time.monotonic(),
        id=pk,
        kind=kind,
        payload=payload,
        preset_id=preset,
        number=number,
        passing_faults=faults,
        conversation_id=conversation,
        message_id=message,
        waited=waited,
        age=age,
        to=_STATUS_JID if kind == _Kind.STATUS else _jid(to_kind, to_address),
        to_hmac=bytes(to_hmac or b""),
        target_id=target or "",
        target_is_ours=direction == "outbound",
    )


def _jid(kind: str | None, address: bytes | None) -> str:
    return join_jid(kind, decrypt(address, ADDRESS_PLACE)) if kind and address else ""


def _name_people(kind: str, payload: dict[str, Any]) -> None:
    """Put addresses in the place of keys: they stand in clear only while they are sent."""
    name = "audience" if kind == _Kind.STATUS else "mentions"
    keys = payload.get(name)
    if isinstance(keys, list) and keys:
        rows = Identity.objects.filter(hmac__in=[bytes.fromhex(key) for key in keys])
        payload[name] = [join_jid(one.kind, one.address) for one in rows]
