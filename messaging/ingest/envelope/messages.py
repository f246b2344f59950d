"""Messages, and the effects that travel as messages.

``messages.upsert``, ``send.message`` and ``messages.set`` also bring reactions, votes, and the
edits and deletes of old versions.
"""

from collections.abc import Callable
from typing import Any

from messaging.ingest.envelope.changes import editor_of, protocol_facts
from messaging.ingest.envelope.content import EFFECTS, content_type_and_text, unwrap_content
from messaging.ingest.envelope.facts import (
    Content,
    DeleteFact,
    EditFact,
    Fact,
    Ignored,
    MessageFact,
    PollTallyFact,
    PollVoteFact,
    ReactionFact,
)
from messaging.ingest.envelope.item import Item, UnreadableError, aliases, require_id
from messaging.ingest.envelope.jids import NOBODY, Address, Key, read_key
from messaging.ingest.envelope.recovered import EVENT as RECOVERED
from messaging.ingest.envelope.recovered import status_of
from messaging.ingest.envelope.scalars import (
    as_map,
    clean_name,
    norm_status,
    text_of,
    to_bool,
    to_enum,
    to_instant,
)
from messaging.ingest.envelope.votes import tally_of

_DEVICES = frozenset({"android", "ios", "web", "desktop"})
_STUBS = {0: "UNKNOWN", 1: "REVOKE", 2: "CIPHERTEXT"}
_CHATS_WITHOUT_CONVERSATION = {
    "story": "story",
    "newsletter": "newsletter",
    "system": "system account",
}


def upserted(item: Item) -> list[Fact]:
    return _message(item, source="phone")


def sent(item: Item) -> list[Fact]:
    return _message(item, source="api")


def history(item: Item) -> list[Fact]:
    return _message(item, source="phone")


def recovered(item: Item) -> list[Fact]:
    return _message(item, source="phone")


def _message(item: Item, source: str) -> list[Fact]:
    data = item.fields()
    raw_key = data.get("key")
    if not isinstance(raw_key, dict):
        raise UnreadableError("the message has no key")
    key = read_key(_with_participant(raw_key, data), item.own)
    ignored = _CHATS_WITHOUT_CONVERSATION.get(key.chat.kind)
    if ignored:
        return [Ignored(ignored)]
    chat = _conversation(key)
    if chat is None:
        return [Ignored("own broadcast list")]
    if chat.kind in ("", "unknown", "bare"):
        raise UnreadableError("the chat cannot be told")
    require_id(key)
    author = key.author if chat.kind == "group" and not key.from_me else NOBODY
    found = _Read(item, data, key, chat, author, source)
    return [*aliases(key.chat, key.author), *found.facts()]


def _with_participant(key: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """Old and REST forms put the author of a group message beside the key."""
    outer = data.get("participant")
    if outer and not key.get("participant"):
        return {**key, "participant": outer}
    return key


def _conversation(key: Key) -> Address | None:
    """A broadcast from somebody belongs to the chat with them; our own lists belong nowhere."""
    if key.chat.kind != "broadcast":
        return key.chat
    return None if key.from_me or key.author.kind not in ("pn", "lid") else key.author


class _Read:
    """What is shared by all facts of one message item."""

    __slots__ = (
        "author",
        "chat",
        "content_key",
        "data",
        "found",
        "item",
        "key",
        "message",
        "source",
        "value",
    )

    def __init__(
        self,
        item: Item,
        data: dict[str, Any],
        key: Key,
        chat: Address,
        author: Address,
        source: str,
    ) -> None:
        self.item, self.data, self.key = item, data, key
        self.chat, self.author, self.source = chat, author, source
        self.message: dict[str, Any] = as_map(data.get("message"))
        self.found = unwrap_content(self.message)
        self.content_key, self.value, _ = self.found

    def facts(self) -> list[Fact]:
        if self.content_key in EFFECTS:
            reader = _EFFECT_READERS.get(self.content_key)
            return reader(self) if reader else [Ignored(self.content_key)]
        if not self.message and "messageStubType" in self.data:
            return self._stub()
        return [self._bubble()]

    def _stub(self) -> list[Fact]:
        stub = to_enum(self.data["messageStubType"], _STUBS)
        if stub == "REVOKE":
            editor = editor_of(self.key, self.chat, self.author)
            return [DeleteFact(self.key.id, editor, self.item.now, at_estimated=True)]
        if stub in ("CIPHERTEXT", "UNKNOWN", None):
            return [self._bubble()]
        return [Ignored("system stub")]

    def _bubble(self) -> MessageFact:
        at = to_instant(self.data.get("messageTimestamp"), self.item.now)
        content = self._content()
        is_history = self.item.event == "messages.set"
        return MessageFact(
            provider_id=self.key.id,
            chat=self.chat,
            author=self.author,
            from_me=self.key.from_me,
            content=content,
            status=self._status(),
            occurred_at=(at or self.item.now).replace(microsecond=0),
            occurred_at_estimated=at is None,
            push_name="" if self.key.from_me else push_name(self.data),
            source=self.source if self.key.from_me else "customer",
            device=_device(self.data.get("source")),
            is_history=is_history,
            from_me_guessed=self.key.from_me_guessed,
            is_recovered=self.item.event == RECOVERED,
        )

    def _status(self) -> str:
        if not self.key.from_me:
            return "received"
        if self.item.event == RECOVERED:
            return status_of(self.data) or "sent"
        default = "pending" if self.source == "api" else "sent"
        return norm_status(self.data.get("status")) or default

    def _content(self) -> Content:
        message_type = text_of(self.data.get("messageType"))
        if self.source == "api" and self.key.id.startswith("wamid."):
            template = _template_name(self.message)
            if template:
                return Content("template", "cloud", template, extra={"template": template})
        return content_type_and_text(
            self.message,
            outer_context=self.data.get("contextInfo"),
            message_type=message_type,
            found=self.found,
        )


def _template_name(message: dict[str, Any]) -> str:
    """The Cloud bridge reports a template as its bare name between two arrows."""
    text = text_of(message.get("conversation")).strip()
    return text[2:-2].strip() if text.startswith("▶️") and text.endswith("◀️") else ""


def _device(value: object) -> str:
    text = text_of(value).lower()
    return text if text in _DEVICES else ""


def push_name(data: dict[str, Any]) -> str:
    """The author's own name; '' for the digits of an address, which Evolution falls back to."""
    name = clean_name(data.get("pushName"))
    return "" if is_no_name(name) else name


def is_no_name(name: str) -> bool:
    """Tell whether a 'name' is a JID, its digits, or Evolution's word for ourselves."""
    bare = name.partition("@")[0].partition(":")[0].lstrip("+")
    return (
        not name or name.lower() in ("você", "voce", "you") or (bare.isdigit() and len(bare) >= 7)
    )


def _reaction(read: _Read) -> list[Fact]:
    value = as_map(read.value)
    target = as_map(value.get("key"))
    ident = text_of(target.get("id"))[:255]
    if not ident:
        raise UnreadableError("the reaction names no message")
    at = to_instant(value.get("senderTimestampMs"), read.item.now)
    at = at or to_instant(read.data.get("messageTimestamp"), read.item.now) or read.item.now
    name = "" if read.key.from_me else push_name(read.data)
    emoji = text_of(value.get("text"))[:64]
    target_from_me = to_bool(target.get("fromMe"))
    return [
        ReactionFact(
            ident, target_from_me, read.chat, read.author, read.key.from_me, emoji, at, name
        )
    ]


def _vote(read: _Read) -> list[Fact]:
    value = as_map(read.value)
    poll_id = text_of(as_map(value.get("pollCreationMessageKey")).get("id"))[:255]
    if not poll_id:
        raise UnreadableError("the vote names no poll")
    at = to_instant(value.get("senderTimestampMs"), read.item.now)
    at = at or to_instant(read.data.get("messageTimestamp"), read.item.now) or read.item.now
    facts: list[Fact] = []
    selected = as_map(value.get("vote")).get("selectedOptions")
    # Without Evolution's help the options are hashes, not names.
    if isinstance(selected, list) and all(isinstance(name, str) for name in selected):
        names = tuple(name[:500] for name in selected[:64])
        facts.append(PollVoteFact(poll_id, read.chat, read.author, read.key.from_me, names, at))
    tally = tally_of(read.data.get("pollUpdates") or value.get("pollUpdates"))
    if tally:
        facts.append(PollTallyFact(poll_id, read.chat, tally, at))
    return facts or [Ignored("vote without names")]


def _protocol(read: _Read) -> list[Fact]:
    editor = editor_of(read.key, read.chat, read.author)
    return protocol_facts(read.item, as_map(read.value), editor)


def _encrypted(read: _Read) -> list[Fact]:
    target = text_of(as_map(as_map(read.value).get("targetMessageKey")).get("id"))[:255]
    if not target:
        return [Ignored("encrypted content")]
    editor = editor_of(read.key, read.chat, read.author)
    at = to_instant(read.data.get("messageTimestamp"), read.item.now)
    return [EditFact(target, editor, None, at or read.item.now, at is None)]


_EFFECT_READERS: dict[str, Callable[[_Read], list[Fact]]] = {
    "reactionMessage": _reaction,
    "pollUpdateMessage": _vote,
    "protocolMessage": _protocol,
    "secretEncryptedMessage": _encrypted,
}
