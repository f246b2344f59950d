"""From a request's path and bytes to the record that is stored."""

import hashlib
import re
import threading
import time
from typing import Any, NamedTuple
from urllib.parse import unquote

from messaging.ingest.envelope.scalars import norm_event
from messaging.ingest.receiver.records import KEPT, PENDING, Record
from messaging.ingest.receiver.redact import clean, dump, shape
from messaging.ingest.receiver.tokens import Route

HISTORY_EVENTS = frozenset({"messages.set", "messaging-history.set", "chats.set", "contacts.set"})
LIVE, HISTORY = 0, 1
# Our tokens have 43 characters, the longest event name 25.
SHORTEST_TOKEN = 32
_SEPARATOR = b"\0"
_PREFIX = re.compile(r"/+hooks/+evo(?=/)")
_PATH_AFTER_ID = re.compile(r"(/hooks/+evo/+[0-9A-Za-z-]+)/[^ ?]+")


class Address(NamedTuple):
    connection: str
    token: str
    event: str


class Arrival(NamedTuple):
    record: Record
    qr: dict[str, str] | None
    # The server's own writing of when it happened.
    sent: str = ""


def is_hook(path: str) -> bool:
    """Tell the receiver's paths; a base address with a slash too many must not reach others."""
    return _PREFIX.match(path) is not None


def read_path(path: str) -> Address | None:
    """Read `/hooks/evo/<id>[/<token>][/<event>]`, with any number of slashes; None for others."""
    prefix = _PREFIX.match(path)
    parts = [part for part in path[prefix.end() :].split("/") if part] if prefix else []
    if not 1 <= len(parts) <= 3:
        return None
    connection, *more = parts
    token = more.pop(0) if more and len(more[0]) >= SHORTEST_TOKEN else ""
    if len(more) > 1:
        return None
    return Address(connection, token, more[0] if more else "")


def hide_token(line: str) -> str:
    """Cut hook paths after the connection's id: what follows may be its token."""
    return _PATH_AFTER_ID.sub(r"\1/…", unquote(line))


class Clock:
    """Microseconds since 1970, never the same twice in this process."""

    def __init__(self) -> None:
        self._last = 0
        self._guard = threading.Lock()

    def now(self) -> int:
        with self._guard:
            self._last = max(self._last + 1, time.time_ns() // 1000)
            return self._last


_clock = Clock()


def arrival_of(route: Route, raw: bytes, *, path_event: str, max_blob: int) -> Arrival:
    """Build the record of a body. Never raises, whatever the bytes are."""
    shaped = shape(raw, max_blob=max_blob)
    document = shaped.document
    if document is None:
        return Arrival(_flagged(route, "broken", path_event, raw=raw, body=shaped.body), None)
    event = clean(norm_event(document.get("event")) or norm_event(path_event), 80)
    named = document.get("instance")
    instance = clean(named, 200) if isinstance(named, str) else ""
    is_other = isinstance(named, str) and named != route.instance != ""
    record = Record(
        received_us=_clock.now(),
        tenant_id=route.tenant_id,
        connection_id=route.connection_id,
        dedupe_key=_dedupe_key(route, event, document.get("data")),
        event=event,
        instance=instance,
        lane=HISTORY if event in HISTORY_EVENTS else LIVE,
        body=shaped.body,
        flag="mismatch" if is_other else "",
        status=KEPT if is_other else PENDING,
        blobs=shaped.blobs,
    )
    sent = document.get("date_time")
    return Arrival(record, shaped.qr, clean(sent, 40) if isinstance(sent, str) else "")


def oversize(route: Route, *, path_event: str) -> Record:
    """Build the row that says a body was too large to keep."""
    return _flagged(route, "oversize", path_event, raw=time.time_ns().to_bytes(8), body=b"")


def _flagged(route: Route, flag: str, path_event: str, *, raw: bytes, body: bytes) -> Record:
    """Build a row that is kept raw, with all we know from the outside."""
    return Record(
        received_us=_clock.now(),
        tenant_id=route.tenant_id,
        connection_id=route.connection_id,
        dedupe_key=_digest(route, raw),
        event=clean(norm_event(path_event), 80),
        instance="",
        lane=LIVE,
        body=body,
        flag=flag,
        status=KEPT,
    )


def _dedupe_key(route: Route, event: str, data: Any) -> bytes:
    """Name the fact, not the delivery: `destination` differs between local and global webhooks.

    Only a hint for people and metrics. Two edits of one message share a key, so nothing may be
    dropped because of it.
    """
    if isinstance(data, dict):
        key = data.get("key")
        name = (
            (key.get("id") if isinstance(key, dict) else None)
            or data.get("keyId")
            or data.get("id")
        )
        if isinstance(name, str | int):
            status = data.get("status")
            parts = (event, str(name), str(status) if isinstance(status, str | int) else "")
            return _digest(route, *(part.encode("utf-8", "replace") for part in parts))
    return _digest(route, event.encode("utf-8", "replace"), dump(data))


def _digest(route: Route, *parts: bytes) -> bytes:
    return hashlib.sha256(_SEPARATOR.join((route.connection_id.bytes, *parts))).digest()
