"""News of this app for the rest of the house: ids only, one event for a whole batch."""

from dataclasses import dataclass
from typing import ClassVar

from evosense.core.outbox import Event


@dataclass(frozen=True, slots=True)
class MessagesStored(Event):
    """New bubbles. History was imported or recovered: nothing answers it by itself."""

    topic: ClassVar[str] = "messaging.messages_stored"

    connection_id: int
    message_ids: list[int]
    conversation_ids: list[int]
    is_history: bool = False


@dataclass(frozen=True, slots=True)
class MessagesChanged(Event):
    """Receipts, edits, deletes, reactions, votes, read marks, or content that came late."""

    topic: ClassVar[str] = "messaging.messages_changed"

    connection_id: int
    message_ids: list[int]
    conversation_ids: list[int]


@dataclass(frozen=True, slots=True)
class ContactsMerged(Event):
    """People who turned out to be one, or were taken apart again."""

    topic: ClassVar[str] = "messaging.contacts_merged"

    contact_ids: list[int]
    merge_ids: list[int]


@dataclass(frozen=True, slots=True)
class ConnectionStateChanged(Event):
    topic: ClassVar[str] = "messaging.connection_state_changed"

    connection_id: int
    state: str


@dataclass(frozen=True, slots=True)
class OutgoingChanged(Event):
    """Something of ours was queued, left, failed, or its outcome became known."""

    topic: ClassVar[str] = "messaging.outgoing_changed"

    connection_id: int
    outgoing_ids: list[int]
    conversation_ids: list[int]
    # The state that all of them reached.
    state: str


@dataclass(frozen=True, slots=True)
class ConnectionHealthChanged(Event):
    topic: ClassVar[str] = "messaging.connection_health_changed"

    connection_id: int
    health: str


@dataclass(frozen=True, slots=True)
class IncidentOpened(Event):
    topic: ClassVar[str] = "messaging.incident_opened"

    connection_id: int
    incident_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class IncidentClosed(Event):
    topic: ClassVar[str] = "messaging.incident_closed"

    connection_id: int
    incident_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class GapRepairAsked(Event):
    """A reading of the server's store waits for a worker."""

    topic: ClassVar[str] = "messaging.gap_repair_asked"

    connection_id: int
    repair_id: int


@dataclass(frozen=True, slots=True)
class GapRepaired(Event):
    """A reading of the server's store ended; `recovered` messages had been missing."""

    topic: ClassVar[str] = "messaging.gap_repaired"

    connection_id: int
    repair_id: int
    recovered: int


@dataclass(frozen=True, slots=True)
class MediaChanged(Event):
    """Files of messages were stored, or turned out to be gone."""

    topic: ClassVar[str] = "messaging.media_changed"

    connection_id: int
    message_ids: list[int]
    conversation_ids: list[int]
