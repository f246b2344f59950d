"""Tolerant readers, one for each kind of scalar that Evolution encodes in several ways.

Bytes, 64-bit integers and enums come in three families, depending on the version (and on
the event inside one version): base64 text, ``{"0": 12, …}`` objects or node Buffers; numeric
text, plain numbers or ``{low, high, unsigned}``; names or numbers. A reader returns ``None``
for what it cannot read: it never raises, because every value is attacker-controlled.
"""

import base64
import binascii
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

MAX_INT = 2**63 - 1
_MILLISECONDS = 10**11
_MICROSECONDS = 10**14
_FUTURE = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"\s*[+-]?\d{1,20}(\.\d{0,20})?\s*\Z", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")
# Direction marks can make a name read as another one; zero-width space hides an empty name.
_NAME_JUNK = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
_SPACES = re.compile(r"\s+")

STATUS_RANK = {"failed": 0, "pending": 1, "sent": 2, "delivered": 3, "read": 4, "played": 5}
_STATUS = {
    "error": "failed",
    "failed": "failed",
    "pending": "pending",
    "server_ack": "sent",
    "sent": "sent",
    "delivery_ack": "delivered",
    "delivered": "delivered",
    "read": "read",
    "played": "played",
    "0": "failed",
    "1": "pending",
    "2": "sent",
    "3": "delivered",
    "4": "read",
    "5": "played",
}

_EVENTS = {
    name.replace("-", "."): name
    for name in (
        "application.startup",
        "call",
        "chats.delete",
        "chats.set",
        "chats.update",
        "chats.upsert",
        "connection.update",
        "contacts.set",
        "contacts.update",
        "contacts.upsert",
        "error",
        "group-participants.update",
        "groups.update",
        "groups.upsert",
        "instance.create",
        "instance.delete",
        "labels.association",
        "labels.edit",
        "logout.instance",
        "messages.delete",
        "messages.edited",
        "messages.set",
        "messages.update",
        "messages.upsert",
        "messaging-history.set",
        "presence.update",
        "qrcode.updated",
        "remove.instance",
        "send.message",
        "send.message.update",
        "status.instance",
        "typebot.change-status",
        "typebot.start",
    )
}
# The enum name of group metadata changes lacks the "s" that the emitted event has.
_EVENTS["group.update"] = "groups.update"
_EVENTS["group.participants.update"] = "group-participants.update"
KNOWN_EVENTS = frozenset(_EVENTS.values())


def norm_event(value: object) -> str:
    """Return the dotted lower-case name of an event; '' when there is none."""
    if not isinstance(value, str):
        return ""
    if value in KNOWN_EVENTS:
        return value
    dotted = clean_text(value).strip().lower().replace("_", ".").replace("-", ".")[:80]
    return _EVENTS.get(dotted, dotted)


def to_int(value: object) -> int | None:
    """Read a number, numeric text, float or ``{low, high, unsigned}``; None for the rest."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if -MAX_INT <= value <= MAX_INT else None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and abs(value) <= MAX_INT else None
    if isinstance(value, str):
        return (
            to_int(int(float(value)) if "." in value else int(value))
            if _NUMBER.match(value)
            else None
        )
    if isinstance(value, Mapping):
        return _long(value)
    return None


def _long(value: Mapping[str, Any]) -> int | None:
    low, high = value.get("low"), value.get("high")
    if not isinstance(low, int) or not isinstance(high, int):
        return None
    number = ((high & 0xFFFFFFFF) << 32) | (low & 0xFFFFFFFF)
    if not value.get("unsigned") and number >= 2**63:
        number -= 2**64
    return number if abs(number) <= MAX_INT else None


def to_bytes(value: object) -> bytes | None:
    """Read base64 text, ``{"0": 12, …}``, a node Buffer or a list of numbers."""
    if isinstance(value, str):
        return _base64(value)
    if isinstance(value, Mapping):
        if isinstance(value.get("data"), (list, str)):
            return to_bytes(value["data"])
        return _indexed(value)
    if isinstance(value, list):
        return _octets(value)
    return None


def _base64(value: str) -> bytes | None:
    text = value.strip().replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _indexed(value: Mapping[str, Any]) -> bytes | None:
    pairs = [
        (int(key), octet)
        for key, octet in value.items()
        if key.isascii() and key.isdigit() and len(key) < 9
    ]
    if not pairs or len(pairs) != len(value):
        return None
    return _octets([octet for _, octet in sorted(pairs, key=lambda pair: pair[0])])


def _octets(values: list[Any]) -> bytes | None:
    if not values or not all(type(item) is int and 0 <= item <= 255 for item in values):
        return None
    return bytes(values)


def to_enum(value: object, names: Mapping[int, str]) -> str | None:
    """Read an enum given as a name in any case, or as a number, into its upper-case name."""
    number = to_int(value)
    if number is not None:
        return names.get(number, str(number))
    return value.strip().upper()[:64] or None if isinstance(value, str) else None


def to_bool(value: object) -> bool | None:
    """Read true/false, 1/0 and their text forms; None when it is neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower())
    return None


def as_list(value: object) -> list[Any]:
    """Object → [object], null → [], list → itself, anything else → [it]."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def as_map(value: object) -> dict[str, Any]:
    """Return the value when it is an object, otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def text_of(value: object) -> str:
    """Return text, with '' for anything that is not text."""
    return value if isinstance(value, str) else ""


def clean_text(value: str) -> str:
    """Remove NUL, which PostgreSQL refuses, and replace halves of surrogate pairs."""
    if "\x00" in value:
        value = value.replace("\x00", "")
    if value.isascii():
        return value
    return _SURROGATE.sub("\ufffd", value)


def clean_name(value: object) -> str:
    """Return a name fit to be shown: one line, no direction marks, at most 160 characters."""
    if not isinstance(value, str):
        return ""
    if value.isprintable() and "  " not in value:
        return value.strip()[:160]
    return _SPACES.sub(" ", _NAME_JUNK.sub("", clean_text(value[:2000]))).strip()[:160]


def norm_status(value: object) -> str | None:
    """Return the neutral delivery status, or None for what is not one (DELETED, EDITED …)."""
    if isinstance(value, str):
        return _STATUS.get(value.strip().lower())
    number = to_int(value)
    return None if number is None else _STATUS.get(str(number))


def to_instant(value: object, now: datetime) -> datetime | None:
    """Read seconds, milliseconds or ISO 8601; None when missing, not positive or in the future.

    ``now`` is the receive time: a clock that runs more than a day ahead is not believed.
    """
    number = to_int(value)
    if number is None:
        return _iso(value, now) if isinstance(value, str) else None
    if number <= 0:
        return None
    if number > _MICROSECONDS:
        number //= 1000
    seconds = number / 1000 if number > _MILLISECONDS else number
    try:
        instant = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return instant if instant <= now + _FUTURE else None


def _iso(value: str, now: datetime) -> datetime | None:
    try:
        instant = datetime.fromisoformat(value.strip())
        instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        return instant.astimezone(UTC) if _EPOCH < instant <= now + _FUTURE else None
    except (ValueError, OverflowError):
        return None
