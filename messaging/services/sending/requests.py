"""What callers ask for, and why it may be refused."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from messaging.models import Message

# Lower goes first.
PRIORITIES = {"panel": 0, "flow": 0, "api": 5, "dispatch": 9}


@dataclass(frozen=True, slots=True)
class SendRequest:
    """One message to send. Either `conversation` or `to` says where it goes.

    `kind` is of `Outgoing.Kind`, `payload` as `services.sending.contents` describes it. `to` is a
    number as people type it, digits, or a JID. Without a `connection` the default one is used.
    """

    kind: str
    payload: dict[str, Any] = field(default_factory=dict)
    connection: UUID | None = None
    conversation: UUID | None = None
    to: str = ""
    # Public id of the message that is quoted.
    reply_to: UUID | None = None
    source: str = Message.Source.PANEL
    # None is by the source: people before programs before bulk.
    priority: int | None = None
    # Not sent any more from then on; it fails with the code `expired`.
    expires_at: datetime | None = None

    @property
    def rank(self) -> int:
        return PRIORITIES.get(self.source, 5) if self.priority is None else self.priority
