"""What pages and the API are told about pairing, settings and instances that exist already."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

# Evolution makes this many codes and then gives up (its QRCODE_LIMIT, unless it was changed).
CODE_LIMIT = 30
# A code can be read for about so long; then the next one comes.
CODE_SECONDS = 45


@dataclass(frozen=True, slots=True)
class PairingView:
    """How far pairing is. The code is the newest one and lives in no database.

    `state` is one of none, creating, waiting, code_waiting, scanned, connected, lost,
    expired, wrong_number, already_open, banned, refused, provider_error, server_down, bad_key.
    """

    connection_id: UUID
    connection_name: str
    state: str
    # A data URI of a PNG; "" while there is none.
    qr_image: str = field(default="", repr=False)
    # Eight characters to type on the phone; "" when a QR code was asked for.
    pairing_code: str = field(default="", repr=False)
    # Grows with every code; a page replaces its code only by one with a larger number.
    sequence: int = 0
    shown_at: datetime | None = None
    expires_at: datetime | None = None
    # Which code of how many this is.
    count: int = 0
    limit: int = CODE_LIMIT
    # The last four digits of the number on record, and of the one that was paired.
    expected_tail: str = ""
    paired_tail: str = ""
    # A code of ours for what went wrong ("" when nothing did), and it in words.
    problem: str = ""
    words: Any = ""
    # Own number (digits) and profile name, once connected.
    number: str = ""
    profile_name: str = ""

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more happens before a person acts."""
        return self.state not in {"creating", "waiting", "code_waiting", "scanned"}

    @property
    def tries_left(self) -> int:
        return max(self.limit - self.count, 0)


@dataclass(frozen=True, slots=True)
class ForeignInstance:
    """An instance that a server has; its token is never shown."""

    name: str
    # open, connecting, close; "" when the server does not say.
    state: str
    number: str
    profile_name: str
    integration: str
    # Our connection on this instance, when the tenant has one; adopting it again is refused.
    connection_id: UUID | None = None
    connection_name: str = ""
    # Another company of this house uses it.
    is_taken: bool = False


@dataclass(frozen=True, slots=True)
class InstanceSettings:
    """How an instance behaves (`reference/evolution-api.md` §3.3 says why these defaults)."""

    groups_ignore: bool = True
    reject_call: bool = False
    # What a caller gets to read when calls are rejected.
    call_text: str = ""
    always_online: bool = False
    # True sends blue ticks for everything the moment it arrives.
    read_messages: bool = False
    read_status: bool = False
    sync_full_history: bool = False
