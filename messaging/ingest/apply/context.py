"""What one batch knows while it is being applied."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from evosense.core.crypto import decrypt
from evosense.core.phones import br_variants
from evosense.core.schema import current_schema
from messaging.addresses import identity_hmac, split_jid
from messaging.ingest.envelope.facts import Envelope
from messaging.sql import Sql

_CONNECTION = """
SELECT id, public_id, instance, number, own_hmac, own_lid_hmac, profile_name, state, state_at,
       state_code, quarantined_at, connected_at, disconnected_at,
       EXISTS (SELECT FROM messaging_connectionevent e WHERE e.connection_id = c.id)
FROM messaging_connection c WHERE public_id = %s
"""
NUMBER_PLACE = "messaging_connection|number"


@dataclass(slots=True)
class RawEvent:
    """One row of the bronze log. `received_at` and `id` together name it."""

    id: int
    received_at: datetime
    body: bytes
    attempts: int = 0
    # Read ahead of the turn; None when the turn itself has to read the body.
    envelope: Envelope | None = None


@dataclass(slots=True)
class Line:
    """The connection as the batch found it."""

    pk: int
    public_id: UUID
    instance: str
    number: str
    own_hmac: bytes | None
    own_lid_hmac: bytes | None
    profile_name: str
    state: str
    state_at: datetime
    state_code: int | None
    quarantined_at: datetime | None
    connected_at: datetime | None
    disconnected_at: datetime | None
    # Whether the server ever told a state; otherwise ours is only concluded from its messages.
    is_reported: bool


@dataclass(slots=True)
class Item:
    """A raw event, its envelope, and what becomes of the row (`status`, `flag`, `error`)."""

    raw: RawEvent
    envelope: Envelope
    status: int = 1
    flag: str = ""
    error: str = ""


Facts = dict[type, list[tuple[Any, Item]]]


def facts_of(items: list[Item]) -> Facts:
    """Sort what events say by kind, once for all who ask."""
    found: Facts = defaultdict(list)
    for item in items:
        for fact in item.envelope.facts:
            found[type(fact)].append((fact, item))
    return found


def _nothing() -> None:
    """What there is to do meanwhile unless somebody says otherwise."""


@dataclass(slots=True)
class Batch:
    """The state that the steps of one apply hand on to each other."""

    sql: Sql
    line: Line
    now: datetime
    # Started before the longest statement, so that something else runs while it does.
    meanwhile: Callable[[], None] = _nothing
    items: list[Item] = field(default_factory=list)
    # What they say, by the kind of fact.
    facts: Facts = field(default_factory=lambda: defaultdict(list))
    # Keys of all addresses that are our own side.
    own: set[bytes] = field(default_factory=set)
    contacts: dict[bytes, int] = field(default_factory=dict)
    by_jid: dict[str, int] = field(default_factory=dict)
    # Contacts of which a phone number is known.
    phoned: set[int] = field(default_factory=set)
    merges: list[int] = field(default_factory=list)
    merged_contacts: list[int] = field(default_factory=list)
    # Message → its conversation.
    stored: dict[int, int] = field(default_factory=dict)
    stored_history: dict[int, int] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    changed_conversations: set[int] = field(default_factory=set)
    # The newest messages of this batch, for the connection's own times.
    inbound_at: datetime | None = None
    outbound_at: datetime | None = None
    # Something of ours was settled, so what waited behind it may go.
    wakes_lane: bool = False

    def is_own(self, jid: str) -> bool:
        return bool(jid) and key_of(jid) in self.own

    def contact_of(self, jid: str) -> int | None:
        return self.by_jid.get(jid)


def key_of(jid: str) -> bytes:
    """Return the look-up key of a normalised address under the active tenant."""
    return _key_of(current_schema(), jid)


@lru_cache(maxsize=50_000)
def _key_of(_schema: str, jid: str) -> bytes:
    return identity_hmac(*split_jid(jid))


def load_line(sql: Sql, public_id: UUID) -> Line | None:
    """Read the connection of a webhook route; None when it is gone."""
    rows = sql.rows(_CONNECTION, [public_id])
    if not rows:
        return None
    values: list[Any] = list(rows[0])
    values[3] = decrypt(values[3], NUMBER_PLACE) if values[3] else ""
    return Line(*values)


def own_keys(line: Line, seen: set[str]) -> set[bytes]:
    """Return the keys of our own side: what is on record, and what the events say of themselves."""
    keys = {key for key in (line.own_hmac, line.own_lid_hmac) if key}
    if line.number:
        keys |= {key_of(f"{digits}@s.whatsapp.net") for digits in br_variants(line.number)}
    return keys | {key_of(jid) for jid in seen if jid}
