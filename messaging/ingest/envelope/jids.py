"""WhatsApp addresses: normal form, kind, and the addresses that one message key ties together."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from messaging.ingest.envelope.scalars import to_bool

JidKind = Literal[
    "pn", "lid", "group", "story", "broadcast", "newsletter", "system", "bare", "unknown", ""
]

_MAX_LENGTH = 128
_DOMAINS = {"c.us": "s.whatsapp.net", "hosted": "s.whatsapp.net", "hosted.lid": "lid"}
_KINDS: dict[str, JidKind] = {
    "s.whatsapp.net": "pn",
    "lid": "lid",
    "g.us": "group",
    "broadcast": "broadcast",
    "newsletter": "newsletter",
    "": "bare",
}
_SPECIAL: dict[str, JidKind] = {
    "": "",
    "0@s.whatsapp.net": "system",
    "status@broadcast": "story",
}
_DIGITS = re.compile(r"\d{3,24}\Z", re.ASCII)
_GROUP = re.compile(r"\d{5,24}(-\d{5,24})?\Z", re.ASCII)
_FORMS = {"pn": _DIGITS, "lid": _DIGITS, "bare": _DIGITS, "group": _GROUP}
_PLAIN = re.compile(r"(\d{5,20})@(s\.whatsapp\.net|lid)\Z", re.ASCII)
_PLAIN_KIND: dict[str, JidKind] = {"s.whatsapp.net": "pn", "lid": "lid"}


def norm_jid(value: object) -> str:
    """Return ``user@domain`` without device and agent; only ``user`` without a domain; or ''."""
    if not isinstance(value, str):
        return ""
    if _PLAIN.match(value):
        return value
    text = value.strip().replace("\x00", "")
    if not text or len(text) > _MAX_LENGTH or not text.isascii():
        return ""
    user, _, domain = text.partition("@")
    user = user.partition(":")[0].lstrip("+")
    domain = domain.partition(":")[0].lower()
    domain = _DOMAINS.get(domain, domain)
    if domain in ("s.whatsapp.net", "lid"):
        user = user.partition("_")[0]
    if not user:
        return ""
    return f"{user}@{domain}" if domain else user


def jid_kind(jid: str) -> JidKind:
    """Tell what a normalised address stands for."""
    plain = _PLAIN.match(jid)
    if plain:
        return _PLAIN_KIND[plain[2]]
    if jid in _SPECIAL:
        return _SPECIAL[jid]
    user, _, domain = jid.partition("@")
    kind = _KINDS.get(domain, "unknown")
    form = _FORMS.get(kind)
    return kind if form is None or form.match(user) else "unknown"


@dataclass(frozen=True, slots=True)
class Address:
    """One party of a chat: the address to use, and the LID ↔ phone pair when both are known."""

    jid: str
    kind: JidKind
    lid: str = ""

    @property
    def alias(self) -> tuple[str, str] | None:
        return (self.lid, self.jid) if self.lid and self.kind == "pn" else None


NOBODY = Address("", "")


@dataclass(frozen=True, slots=True)
class Key:
    """A message key, read: who, where, and whether we wrote it."""

    id: str
    chat: Address
    author: Address
    from_me: bool
    from_me_guessed: bool


def address_of(main: object, *others: object, mode: object = None) -> Address:
    """Choose the phone address among several forms of one party, and keep its LID as alias."""
    first = norm_jid(main)
    kind = jid_kind(first)
    if kind not in ("pn", "lid", "bare", ""):
        return Address(first, kind)
    found = [first, *(norm_jid(other) for other in others if other)]
    if kind == "bare":
        found[0] = _with_domain(first, found[1:], mode)
    phone = lid = ""
    for jid in found:
        jid_is = jid_kind(jid)
        if jid_is == "pn":
            phone = phone or jid
        elif jid_is == "lid":
            lid = lid or jid
    if phone:
        return Address(phone, "pn", lid)
    if lid:
        return Address(lid, "lid", lid)
    return Address(found[0], jid_kind(found[0]))


def lone_address(jid: str) -> Address:
    """Read an address that comes without any other form of it; receipts repeat the same ones."""
    return _remembered(jid) if len(jid) <= _MAX_LENGTH else address_of(jid)


@lru_cache(maxsize=10_000)
def _remembered(jid: str) -> Address:
    return address_of(jid)


def _with_domain(digits: str, siblings: list[str], mode: object) -> str:
    """Give digits that lost their domain (2.4 release candidates) the one their siblings imply."""
    for jid in siblings:
        if jid.partition("@")[0] == digits:
            return jid
    if mode in ("pn", "lid"):
        return f"{digits}@{'lid' if mode == 'lid' else 's.whatsapp.net'}"
    for jid in siblings:
        if jid_kind(jid) in ("pn", "lid"):
            return f"{digits}@{'s.whatsapp.net' if jid.endswith('@lid') else 'lid'}"
    return digits


def read_key(key: dict[str, Any], own: str) -> Key:
    """Read a message key of any version; the fields that tie LID to phone are all looked at."""
    stated = to_bool(key.get("fromMe"))
    participant = key.get("participant")
    from_me = stated if stated is not None else bool(own) and norm_jid(participant) == own
    mode = key.get("addressingMode")
    # On our own messages sender* name us, not the chat.
    sender = () if from_me else (key.get("senderPn"), key.get("senderLid"))
    others = (key.get("remoteJidAlt"), key.get("previousRemoteJid"), *sender)
    chat = address_of(key.get("remoteJid"), *others, mode=mode)
    author = NOBODY
    if participant and chat.kind in ("group", "broadcast", "story"):
        author = address_of(
            participant,
            key.get("participantAlt"),
            key.get("participantPn"),
            key.get("participantLid"),
            *sender,
            mode=mode,
        )
    raw_id = key.get("id")
    return Key(
        id=raw_id[:255] if isinstance(raw_id, str) else "",
        chat=chat,
        author=author,
        from_me=from_me,
        from_me_guessed=stated is None,
    )
