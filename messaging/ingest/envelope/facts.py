"""What one Evolution event says, in our words: frozen dataclasses without any wire detail.

Addresses are normalised JIDs; times are aware UTC instants; text is free of NUL and of
surrogate halves. ``chat`` is the phone address when the event itself reveals it; resolving a
LID by what earlier events revealed is the apply step's work.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from messaging.ingest.envelope.jids import Address


@dataclass(frozen=True, slots=True)
class Media:
    """A reference to bytes that are fetched later, or to a blob cut out of the body."""

    kind: str
    mime: str = ""
    size: int | None = None
    name: str = ""
    sha256: str = ""
    width: int | None = None
    height: int | None = None
    seconds: int | None = None
    blob_id: str = ""
    url: str = ""
    provider_media_id: str = ""
    is_voice: bool = False
    is_gif: bool = False
    transcript: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    provider_id: str
    author: str = ""
    type: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """The readable part of a message; ``extra`` holds what only one type has."""

    type: str
    subtype: str = ""
    text: str = ""
    media: Media | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    view_once: bool = False
    expires_in: int | None = None
    forwarding_score: int = 0
    quote: Quote | None = None
    mentions: tuple[str, ...] = ()
    ad: dict[str, Any] | None = None
    is_placeholder: bool = False
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class MessageFact:
    provider_id: str
    chat: Address
    author: Address
    from_me: bool
    content: Content
    status: str
    occurred_at: datetime
    occurred_at_estimated: bool
    push_name: str = ""
    source: str = "customer"
    device: str = ""
    is_history: bool = False
    from_me_guessed: bool = False
    # Read from the server's own store, because its event never came: news to people, not to
    # whatever answers by itself.
    is_recovered: bool = False


@dataclass(frozen=True, slots=True)
class StatusFact:
    """A receipt for something we sent. ``from_me`` is None where the event's flag means nothing."""

    provider_id: str
    chat: Address
    status: str
    at: datetime
    from_me: bool | None = True


@dataclass(frozen=True, slots=True)
class ReadMarkerFact:
    """The business read this chat on another device, up to this message."""

    provider_id: str
    chat: Address
    at: datetime


@dataclass(frozen=True, slots=True)
class Editor:
    """Who edited or deleted, as far as the event tells.

    With ``is_perspective`` the key was written by the editing device: ``from_me`` together with
    an address of the target's chat means us, anything else means the contact; in a group it may be
    any member. Without it the key is ours: ``from_me`` and, in groups, ``author`` name the editor.
    """

    from_me: bool
    chat: Address
    author: Address
    is_perspective: bool = False


@dataclass(frozen=True, slots=True)
class EditFact:
    """New text of a message; ``text`` None means that it changed in a way nobody can read."""

    target_id: str
    editor: Editor
    text: str | None
    at: datetime
    at_estimated: bool


@dataclass(frozen=True, slots=True)
class DeleteFact:
    """A revoke. ``by_row``: Evolution attached a stored row, only its message id can be trusted."""

    target_id: str
    editor: Editor
    at: datetime
    at_estimated: bool
    by_row: bool = False


@dataclass(frozen=True, slots=True)
class ReactionFact:
    target_id: str
    target_from_me: bool | None
    chat: Address
    author: Address
    from_me: bool
    emoji: str
    at: datetime
    push_name: str = ""


@dataclass(frozen=True, slots=True)
class PollVoteFact:
    poll_id: str
    chat: Address
    voter: Address
    from_me: bool
    options: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class PollTallyFact:
    """The whole count of a poll; replaces an older one."""

    poll_id: str
    chat: Address
    tally: tuple[tuple[str, tuple[str, ...]], ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class AliasFact:
    lid: str
    pn: str


@dataclass(frozen=True, slots=True)
class ContactHint:
    """A name or picture; '' means that the event says nothing about it."""

    who: Address
    name: str = ""
    picture_url: str = ""
    at: datetime | None = None
    is_address_book: bool = False


@dataclass(frozen=True, slots=True)
class GroupFact:
    jid: str
    subject: str = ""
    description: str = ""
    owner: Address | None = None
    size: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Member:
    who: Address
    role: str = "member"


@dataclass(frozen=True, slots=True)
class GroupMembersFact:
    """``set`` names everyone; the other actions (add, remove, promote, demote) only the changed."""

    jid: str
    action: str
    members: tuple[Member, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class ConnectionStateFact:
    state: str
    at: datetime
    reason: int | None = None
    own_jid: str = ""
    profile_name: str = ""
    picture_url: str = ""


@dataclass(frozen=True, slots=True)
class QrFact:
    """A pairing secret: shown once, never stored. It has no useful repr on purpose."""

    code: str = field(repr=False)
    image: str = field(repr=False)
    pairing_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CallFact:
    call_id: str
    caller: Address
    status: str
    at: datetime
    is_video: bool = False
    is_group: bool = False
    is_offline: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True)
class LabelFact:
    label_id: str
    name: str
    color: int | None
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class LabelAssociationFact:
    label_id: str
    chat: Address
    is_added: bool


@dataclass(frozen=True, slots=True)
class ChatHint:
    chat: Address
    name: str = ""
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Ignored:
    reason: str


@dataclass(frozen=True, slots=True)
class ItemError:
    """One item of a batch that cannot be read; the rest of its batch is good."""

    index: int
    reason: str


Fact = (
    MessageFact
    | StatusFact
    | ReadMarkerFact
    | EditFact
    | DeleteFact
    | ReactionFact
    | PollVoteFact
    | PollTallyFact
    | AliasFact
    | ContactHint
    | GroupFact
    | GroupMembersFact
    | ConnectionStateFact
    | QrFact
    | CallFact
    | LabelFact
    | LabelAssociationFact
    | ChatHint
    | Ignored
    | ItemError
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One body, read. ``problems`` holds 'broken', 'unknown' or 'no-data'."""

    event: str
    instance: str
    own_jid: str
    facts: tuple[Fact, ...]
    problems: tuple[str, ...] = ()
    is_history: bool = False
