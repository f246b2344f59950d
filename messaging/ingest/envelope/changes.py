"""``messages.update``, ``messages.edited`` and ``messages.delete``: receipts, edits, deletes."""

from typing import Any

from messaging.ingest.envelope.content import content_type_and_text, unwrap_content
from messaging.ingest.envelope.facts import (
    DeleteFact,
    EditFact,
    Editor,
    Fact,
    Ignored,
    PollTallyFact,
    ReadMarkerFact,
    StatusFact,
)
from messaging.ingest.envelope.item import Item, UnreadableError, aliases, require_id
from messaging.ingest.envelope.jids import (
    NOBODY,
    Address,
    Key,
    jid_kind,
    lone_address,
    norm_jid,
    read_key,
)
from messaging.ingest.envelope.scalars import (
    as_map,
    norm_status,
    text_of,
    to_enum,
    to_instant,
)
from messaging.ingest.envelope.votes import tally_of

_PROTOCOL = {0: "REVOKE", 14: "MESSAGE_EDIT"}
# What the bare receipt of a message of ours consists of; with anything else it is read at length.
_BARE = frozenset(
    {"keyId", "remoteJid", "fromMe", "participant", "status", "instanceId", "messageId"}
)
# Only the Cloud bridge uses these words, and it says fromMe:false about our own sends.
_CLOUD_WORDS = frozenset({"sent", "delivered", "failed"})


def editor_of(key: Key, chat: Address, author: Address, *, is_perspective: bool = False) -> Editor:
    return Editor(key.from_me, chat, author, is_perspective)


def updated(item: Item) -> list[Fact]:
    data = item.fields()
    receipt = _bare_receipt(item, data)
    if receipt is not None:
        return [receipt]
    nested = data.get("key")
    nested = nested if isinstance(nested, dict) else {}
    ident = text_of(data.get("keyId")) or text_of(nested.get("id")) or text_of(data.get("id"))
    known = {"id": ident, "participant": _editor_in_group(data, nested)}
    key = read_key({**data, **nested, **known}, item.own)
    require_id(key)
    change = as_map(data.get("update"))
    body = as_map(data.get("message")) or as_map(change.get("message"))
    if body:
        return [*aliases(key.chat, key.author), *_content_change(item, data, key, body)]
    facts: list[Fact] = []
    tally = tally_of(data.get("pollUpdates"))
    if tally:
        facts.append(PollTallyFact(key.id, key.chat, tally, item.now))
    facts += _receipt(item, data, key)
    return [*aliases(key.chat, key.author), *facts] if facts else [Ignored("no status")]


def _bare_receipt(item: Item, data: dict[str, Any]) -> StatusFact | None:
    """Read what nearly every receipt looks like, to what the long way would make of it."""
    if data.get("fromMe") is not True or not data.keys() <= _BARE:
        return None
    ident, status = text_of(data.get("keyId")), norm_status(data.get("status"))
    if not ident or status is None:
        return None
    chat = lone_address(text_of(data.get("remoteJid")))
    return StatusFact(ident[:255], chat, status, item.now)


def _editor_in_group(*sources: dict[str, Any]) -> str | None:
    """The person whom ``participant`` names; up to 2.3.4 it only repeats ``remoteJid``."""
    for source in sources:
        jid = norm_jid(source.get("participant"))
        if jid_kind(jid) in ("pn", "lid"):
            return jid
    return None


def _content_change(item: Item, data: dict[str, Any], key: Key, body: dict[str, Any]) -> list[Fact]:
    """2.3.7 names the real editor here, which ``messages.edited`` never does."""
    editor = editor_of(key, key.chat, _member(key))
    content_key, value, passed = unwrap_content(body)
    if content_key == "protocolMessage":
        inner = {"key": {"id": key.id}, **as_map(value)}
        return protocol_facts(item, inner, editor)
    if "editedMessage" not in passed and "editedMessage" not in data:
        return [Ignored("content update")]
    return [EditFact(key.id, editor, content_type_and_text(body).text, item.now, at_estimated=True)]


def _member(key: Key) -> Address:
    return key.author if key.chat.kind == "group" and not key.from_me else NOBODY


def _receipt(item: Item, data: dict[str, Any], key: Key) -> list[Fact]:
    raw = data.get("status", as_map(data.get("update")).get("status"))
    status = norm_status(raw)
    at = to_instant(data.get("datetime"), item.now) or item.now
    if status is None:
        if isinstance(raw, str) and raw.strip().upper() in ("DELETED", "EDITED"):
            # A made-up status for edits, stars and pins: it may hint, it never deletes.
            editor = editor_of(key, key.chat, _member(key))
            return [EditFact(key.id, editor, None, at, at_estimated=True)]
        return []
    is_cloud = key.id.startswith("wamid.") or text_of(raw).strip().lower() in _CLOUD_WORDS
    if key.from_me or is_cloud or key.from_me_guessed:
        from_me = True if key.from_me else None
        return [StatusFact(key.id, key.chat, status, at, from_me)]
    if status == "read":
        return [ReadMarkerFact(key.id, key.chat, at)]
    return [Ignored("receipt of an inbound message")]


def edited(item: Item) -> list[Fact]:
    """``messages.edited`` and ``send.message.update``: a bare protocol message.

    Its key is written from the view of the device that edited, so it names no editor.
    """
    data = item.fields()
    wrapped = as_map(data.get("message"))
    if "editedMessage" not in data and wrapped:
        content_key, value, _ = unwrap_content(wrapped)
        if content_key == "protocolMessage" and isinstance(value, dict):
            data = value
    key = read_key(as_map(data.get("key")), item.own)
    editor = editor_of(key, key.chat, key.author, is_perspective=True)
    return [*aliases(key.chat), *protocol_facts(item, data, editor)]


def protocol_facts(item: Item, data: dict[str, Any], editor: Editor) -> list[Fact]:
    """Read an edit or a revoke out of a protocol message; everything else is housekeeping."""
    kind = to_enum(data.get("type"), _PROTOCOL)
    target = text_of(as_map(data.get("key")).get("id"))[:255]
    new = data.get("editedMessage")
    at = to_instant(data.get("timestampMs"), item.now)
    if isinstance(new, dict) and kind in ("MESSAGE_EDIT", None):
        if not target:
            raise UnreadableError("the edit names no message")
        text = content_type_and_text(new).text
        return [EditFact(target, editor, text, at or item.now, at is None)]
    # A missing type may mean zero, which is REVOKE; nothing is deleted on a maybe.
    if kind == "REVOKE" and target:
        return [DeleteFact(target, editor, at or item.now, at is None)]
    return [Ignored("protocol message")]


def deleted(item: Item) -> list[Fact]:
    data = item.fields()
    if isinstance(data.get("keys"), list):
        return [fact for key in data["keys"] for fact in _delete(item, as_map(key), by_row=False)]
    nested = data.get("key")
    if isinstance(nested, dict):
        return _delete(item, nested, by_row=True)
    if data.get("all") is True:
        return [Ignored("chat cleared on the phone")]
    return _delete(item, data, by_row=False)


def _delete(item: Item, raw: dict[str, Any], *, by_row: bool) -> list[Fact]:
    key = read_key(raw, item.own)
    require_id(key)
    editor = editor_of(key, key.chat, key.author)
    fact = DeleteFact(key.id, editor, item.now, at_estimated=True, by_row=by_row)
    # A stored row may be another tenant's copy: not even its addresses are believed.
    return [fact] if by_row else [*aliases(key.chat, key.author), fact]
