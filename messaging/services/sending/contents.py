"""Contents in our own words: what is accepted of each kind, and what its echo will look like.

text        {"text", "link_preview"?}
image, video, document          {"media": {"key", …}, "caption"?}
audio, voice, video_note, sticker   {"media": {"key", …}}
location    {"latitude", "longitude", "name", "address"}
contact     {"contacts": [{"name", "phone", "organization"?, "email"?, "url"?}]}
poll        {"name", "options", "selectable"}
list        {"title", "text", "button", "footer"?, "sections": [{"title", "rows": [{"id", "title", "description"?}]}]}
buttons     {"title", "text", "footer"?, "buttons": [{"type": "reply|copy|url|call|pix", "text", …}]}
template    {"name", "language", "components"?, "text"?}
status      {"type", "text"?, "media"?, "caption"?, "background"?, "font"?, "audience": "all" | [contact ids]}

Everywhere: "mentions" [contact ids], "mention_everyone", "typing_ms" (at most 5,000), "forwarded".
"""  # noqa: E501  (a table)

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from messaging.services.sending import fields, menus

LONGEST_TEXT = 65_536
LONGEST_CAPTION = 4_096
MOST_TYPING_MS = 5_000
_MEDIA_TYPES = {
    "image": ("image", ""),
    "video": ("video", ""),
    "video_note": ("video", "ptv"),
    "audio": ("audio", ""),
    "voice": ("audio", "voice"),
    "document": ("document", ""),
    "sticker": ("sticker", ""),
}
CAPTIONED = frozenset({"image", "video", "document"})
_COMMON = {"mention_everyone": bool, "forwarded": bool}


@dataclass(frozen=True, slots=True)
class Shown:
    """The message row that the echo would make (vocabulary of `ingest.envelope.content`)."""

    type: str
    subtype: str = ""
    text: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    # Of the file that goes with it; "" for none.
    storage_key: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """A checked payload and what it will look like."""

    payload: dict[str, Any]
    shown: Shown


def read_content(kind: str, payload: dict[str, Any]) -> Content:
    """Check a payload; raises Invalid with the field at fault."""
    reader = _READERS.get(kind)
    if reader is None:
        raise Invalid("kind_unknown", _("This kind of message does not exist."), field="kind")
    clean, shown = reader(kind, payload)
    return Content({**clean, **_common(payload)}, shown)


def _common(payload: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: True for name in _COMMON if payload.get(name) is True}
    typing = payload.get("typing_ms")
    if typing:
        found["typing_ms"] = fields.number(payload, "typing_ms", least=0, most=MOST_TYPING_MS)
    return found


Found = tuple[dict[str, Any], Shown]


def _text(_kind: str, payload: dict[str, Any]) -> Found:
    text = fields.text(payload, "text", longest=LONGEST_TEXT)
    clean: dict[str, Any] = {"text": text}
    if payload.get("link_preview") is False:
        clean["link_preview"] = False
    return clean, Shown("text", text=text)


def _media(kind: str, payload: dict[str, Any]) -> Found:
    media = fields.media(payload)
    caption = ""
    if kind in CAPTIONED:
        caption = fields.text(payload, "caption", longest=LONGEST_CAPTION, least=0)
    kind_shown, subtype = _MEDIA_TYPES[kind]
    clean: dict[str, Any] = {"media": media, **({"caption": caption} if caption else {})}
    return clean, Shown(kind_shown, subtype, caption, storage_key=media["key"])


def _location(_kind: str, payload: dict[str, Any]) -> Found:
    clean: dict[str, Any] = {
        "latitude": fields.degrees(payload, "latitude", 90),
        "longitude": fields.degrees(payload, "longitude", 180),
        "name": fields.text(payload, "name", longest=1000, least=0),
        "address": fields.text(payload, "address", longest=1000, least=0),
    }
    extra = {"location": {name: part for name, part in clean.items() if part != ""}}
    return clean, Shown("location", text=clean["name"] or clean["address"], extra=extra)


def _template(_kind: str, payload: dict[str, Any]) -> Found:
    components = payload.get("components") or []
    if not isinstance(components, list):
        raise fields.wrong("components")
    clean: dict[str, Any] = {
        "name": fields.text(payload, "name", longest=512),
        "language": fields.text(payload, "language", longest=16),
        "components": components,
        "text": fields.text(payload, "text", longest=LONGEST_TEXT, least=0),
    }
    return clean, Shown("template", "template", clean["text"] or clean["name"])


def _menu(kind: str, payload: dict[str, Any]) -> Found:
    clean, fields_shown = menus.READERS[kind](payload)
    return clean, Shown(**fields_shown)


_READERS: dict[str, Callable[[str, dict[str, Any]], Found]] = {
    "text": _text,
    **dict.fromkeys(_MEDIA_TYPES, _media),
    "location": _location,
    "template": _template,
    **dict.fromkeys(menus.READERS, _menu),
}
