"""From raw bytes to an Envelope.

Nothing here raises: what cannot be read becomes a problem or an ItemError, because a refusal
would lose the event for ever.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from messaging.ingest.envelope.changes import deleted, edited, updated
from messaging.ingest.envelope.directory import (
    calls,
    chats,
    contacts,
    groups,
    label_association,
    label_edit,
    participants,
)
from messaging.ingest.envelope.facts import Envelope, Fact, Ignored, ItemError
from messaging.ingest.envelope.item import PARSE_ERRORS, Item
from messaging.ingest.envelope.jids import norm_jid
from messaging.ingest.envelope.lifecycle import connection, logout, qrcode, removed, status_instance
from messaging.ingest.envelope.messages import history, recovered, sent, upserted
from messaging.ingest.envelope.recovered import EVENT as RECOVERED
from messaging.ingest.envelope.scalars import as_list, clean_text, norm_event, text_of

Handler = Callable[[Item], list[Fact]]

_HANDLERS: dict[str, Handler] = {
    "messages.upsert": upserted,
    "messages.set": history,
    "send.message": sent,
    "messages.update": updated,
    "messages.edited": edited,
    "send.message.update": edited,
    "messages.delete": deleted,
    "contacts.upsert": contacts,
    "contacts.update": contacts,
    "contacts.set": contacts,
    "chats.set": chats,
    "chats.upsert": chats,
    "chats.update": chats,
    "chats.delete": chats,
    "groups.upsert": groups,
    "groups.update": groups,
    "group-participants.update": participants,
    "labels.edit": label_edit,
    "labels.association": label_association,
    "call": calls,
    "connection.update": connection,
    "qrcode.updated": qrcode,
    "status.instance": status_instance,
    "logout.instance": logout,
    "remove.instance": removed,
    # Ours: what a repair read from the server's own store.
    RECOVERED: recovered,
}
_IGNORED = {
    "application.startup": "never emitted",
    "instance.create": "created by us",
    "instance.delete": "deleted by us",
    "messaging-history.set": "history progress",
    "presence.update": "presence is not kept",
    "typebot.start": "bot session",
    "typebot.change-status": "bot session",
    "error": "operations log",
    "evosense.test": "test event",
}
_WITHOUT_DATA = frozenset({"logout.instance", "remove.instance"})


def parse(raw: bytes | bytearray | memoryview, received_at: datetime) -> Envelope:
    """Read one body of any version; ``received_at`` stands in for times that are missing."""
    body = load(bytes(raw))
    if not isinstance(body, dict):
        return Envelope("", "", "", (), ("broken",))
    event = norm_event(body.get("event"))
    instance = text_of(body.get("instance"))[:200]
    own = norm_jid(body.get("sender"))
    handler = _HANDLERS.get(event)
    if handler is None:
        if event in _IGNORED:
            return Envelope(event, instance, own, (Ignored(_IGNORED[event]),))
        return Envelope(event, instance, own, (), ("unknown",))
    items = as_list(body.get("data"))
    if not items and event in _WITHOUT_DATA:
        items = [{}]
    facts: list[Fact] = [] if items else [Ignored("no data")]
    is_listed = isinstance(body.get("data"), list)
    for index, data in enumerate(items):
        facts += _read_item(handler, Item(data, event, own, received_at, index, is_listed))
    return Envelope(event, instance, own, tuple(facts), (), event == "messages.set")


def _read_item(handler: Handler, item: Item) -> list[Fact]:
    try:
        return handler(item)
    except PARSE_ERRORS as error:
        return [ItemError(item.index, f"{type(error).__name__}: {error}"[:300])]


def load(raw: bytes) -> object:
    """Decode JSON, strictly first; None when even the lenient decoder gives up."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        body = _load_leniently(raw)
        return None if body is None else scrub(body)
    # orjson refuses surrogate halves, so only an escaped NUL can be left in the text.
    return scrub(body) if b"\\u0000" in raw else body


def _load_leniently(raw: bytes) -> object:
    """Accept what other writers produce: raw control characters, NaN, halves of pairs, a BOM."""
    try:
        return json.loads(raw.decode("utf-8-sig", errors="replace"), strict=False)
    except (ValueError, RecursionError):
        return None


def scrub(body: object) -> object:
    """Clean every text of a decoded body in place, keys included; depth does not matter."""
    if isinstance(body, str):
        return clean_text(body)
    stack: list[Any] = [body]
    while stack:
        node = stack.pop()
        for key, value in _pairs(node):
            if isinstance(value, str):
                node[key] = clean_text(value)
            elif isinstance(value, (dict, list)):
                stack.append(value)
    return body


def _pairs(node: Any) -> list[tuple[Any, Any]]:
    if isinstance(node, dict):
        for key in [key for key in node if clean_text(key) != key]:
            node[clean_text(key)] = node.pop(key)
        return list(node.items())
    return list(enumerate(node)) if isinstance(node, list) else []
