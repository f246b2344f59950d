"""What servers answer to calls that send nothing. Readers take every release's spelling."""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

from messaging.gateway.client.errors import EvolutionError
from messaging.ingest.envelope.scalars import as_list, as_map, text_of, to_int

# `alwaysOnline` of Evolution → `always_online` of ours; all six are required when they are set.
_SETTINGS = {
    "reject_call": "rejectCall",
    "groups_ignore": "groupsIgnore",
    "always_online": "alwaysOnline",
    "read_messages": "readMessages",
    "read_status": "readStatus",
    "sync_full_history": "syncFullHistory",
}
_WANTED = {"groups_ignore": True}


@dataclass(frozen=True, slots=True)
class ConnectAnswer:
    """A code to be shown, or how far the session is. Codes are never stored and never logged."""

    # open, connecting, close; "" when the answer holds a code or nothing at all.
    state: str = ""
    code: str = field(default="", repr=False)
    # With its data-URI prefix, as an <img> takes it.
    base64: str = field(default="", repr=False)
    pairing_code: str = field(default="", repr=False)
    # Which code of this pairing it is; 0: none was made yet.
    count: int = 0
    # What it said with `error: true` and HTTP 200; "" when all is well.
    raw_error: str = ""


@dataclass(frozen=True, slots=True)
class CreatedInstance:
    name: str
    instance_id: str
    # The instance's own token.
    token: str = field(repr=False)
    status: str


@dataclass(frozen=True, slots=True)
class RemoteInstance:
    """An instance as the server lists it; the token is a secret."""

    name: str
    instance_id: str
    # As its database says: may disagree with `connection_state`, which is its memory.
    state: str
    owner_jid: str
    profile_name: str
    number: str
    integration: str
    token: str = field(repr=False)
    disconnection_code: int | None = None
    # How many it has stored; null where it does not count.
    messages: int | None = None


@dataclass(frozen=True, slots=True)
class RemoteWebhook:
    url: str
    headers: dict[str, str] = field(repr=False)
    is_enabled: bool
    events: tuple[str, ...]
    by_events: bool
    base64: bool


@dataclass(frozen=True, slots=True)
class NumberAnswer:
    """`number` is as it was asked; the order of answers is not that of the question."""

    number: str
    exists: bool
    jid: str
    lid: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class MessagesPage:
    """Newest first. Records are bodies as in `messages.upsert`, with `MessageUpdate` statuses."""

    records: tuple[dict[str, Any], ...] = field(repr=False)
    total: int
    pages: int
    current: int


@dataclass(frozen=True, slots=True)
class MediaAnswer:
    content: bytes = field(repr=False)
    mime: str
    name: str
    caption: str = field(repr=False)
    # imageMessage, audioMessage, …
    media_type: str


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What `GET /` tells without a key."""

    version: str
    whatsapp_version: str = ""


def connect_answer(body: Any) -> ConnectAnswer:
    """Read the answer to connect or restart, which is 200 in every case."""
    answer = as_map(body)
    if answer.get("error") is True:
        return ConnectAnswer(raw_error=text_of(answer.get("message"))[:100] or "refused")
    instance = as_map(answer.get("instance"))
    shown = as_map(answer.get("qrcode")) or answer
    return ConnectAnswer(
        state=text_of(instance.get("state")) or text_of(instance.get("status")),
        code=text_of(shown.get("code")),
        base64=text_of(shown.get("base64")),
        pairing_code=text_of(shown.get("pairingCode")),
        count=to_int(shown.get("count")) or 0,
    )


def created_instance(body: Any) -> CreatedInstance:
    answer = as_map(body)
    instance = as_map(answer.get("instance"))
    secret = answer.get("hash")
    name = text_of(instance.get("instanceName"))
    if not name:
        raise EvolutionError("broken_answer")
    return CreatedInstance(
        name=name,
        instance_id=text_of(instance.get("instanceId")),
        # v1 wraps it.
        token=text_of(as_map(secret).get("apikey")) or text_of(secret),
        status=text_of(instance.get("status")),
    )


def remote_instances(body: Any) -> list[RemoteInstance]:
    return [found for row in as_list(body) if (found := _remote_instance(as_map(row))).name]


def _remote_instance(row: dict[str, Any]) -> RemoteInstance:
    # v1: {"instance": {"instanceName", "owner", "status", …}}.
    old = as_map(row.get("instance"))
    row = row | old
    return RemoteInstance(
        name=text_of(row.get("name")) or text_of(row.get("instanceName")),
        instance_id=text_of(row.get("id")) or text_of(row.get("instanceId")),
        state=text_of(row.get("connectionStatus")) or text_of(row.get("status")),
        owner_jid=text_of(row.get("ownerJid")) or text_of(row.get("owner")),
        profile_name=text_of(row.get("profileName")),
        number=text_of(row.get("number")),
        integration=text_of(row.get("integration")) or "WHATSAPP-BAILEYS",
        token=text_of(row.get("token")) or text_of(row.get("apikey")),
        disconnection_code=to_int(row.get("disconnectionReasonCode")),
        messages=to_int(as_map(row.get("_count")).get("Message")),
    )


def remote_webhook(body: Any) -> RemoteWebhook | None:
    """Read the answer to webhook/find; None where none was ever set."""
    row = as_map(body)
    row = as_map(row.get("webhook")) or row
    if not row.get("url"):
        return None
    return RemoteWebhook(
        url=text_of(row.get("url")),
        headers={str(k): str(v) for k, v in as_map(row.get("headers")).items()},
        is_enabled=bool(row.get("enabled")),
        events=tuple(text_of(one) for one in as_list(row.get("events"))),
        by_events=bool(row.get("webhookByEvents")),
        base64=bool(row.get("webhookBase64")),
    )


def settings_body(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return our settings (`Connection.settings`) in Evolution's words; all of them, always."""
    body: dict[str, Any] = {
        theirs: bool(wanted.get(ours, _WANTED.get(ours, False)))
        for ours, theirs in _SETTINGS.items()
    }
    return body | {"msgCall": str(wanted.get("call_text") or "")}


def settings_of(body: Any) -> dict[str, Any]:
    """Return a server's settings in our words; {} when it holds none."""
    row = as_map(body)
    row = as_map(row.get("settings")) or row
    if not any(theirs in row for theirs in _SETTINGS.values()):
        return {}
    found: dict[str, Any] = {ours: bool(row.get(theirs)) for ours, theirs in _SETTINGS.items()}
    return found | {"call_text": text_of(row.get("msgCall"))}


def number_answers(body: Any) -> list[NumberAnswer]:
    return [
        NumberAnswer(
            number=text_of(row.get("number")),
            exists=row.get("exists") is True,
            jid=text_of(row.get("jid")),
            lid=text_of(row.get("lid")),
            name=text_of(row.get("name")),
        )
        for row in map(as_map, as_list(body))
        if row.get("number")
    ]


def messages_page(body: Any) -> MessagesPage:
    page = as_map(as_map(body).get("messages"))
    if not page and isinstance(body, list):
        # v1 answers with the bare list.
        page = {"records": body, "total": len(body), "pages": 1, "currentPage": 1}
    records = tuple(row for row in as_list(page.get("records")) if isinstance(row, dict))
    return MessagesPage(
        records=records,
        total=to_int(page.get("total")) or 0,
        pages=to_int(page.get("pages")) or 0,
        current=to_int(page.get("currentPage")) or 1,
    )


def media_answer(body: Any) -> MediaAnswer:
    """Read a file; raises EvolutionError `not_media` when the answer holds none."""
    answer = as_map(body)
    encoded = text_of(answer.get("base64"))
    # Some gateways put the prefix of a data URI before it.
    encoded = encoded.partition(",")[2] if encoded.startswith("data:") else encoded
    if not encoded:
        raise EvolutionError("not_media")
    try:
        content = base64.b64decode(encoded, validate=False)
    except (binascii.Error, ValueError) as error:
        raise EvolutionError("broken_answer") from error
    return MediaAnswer(
        content=content,
        mime=text_of(answer.get("mimetype")),
        name=text_of(answer.get("fileName")),
        caption=text_of(answer.get("caption")),
        media_type=text_of(answer.get("mediaType")),
    )
