"""Our neutral payloads in Evolution's words (2.2.3 to 2.4: flat bodies; v1 nests, and is refused).

Addresses are sent as they were used before (a whole JID where it is known): from bare digits
Evolution takes the ninth digit of some Brazilian numbers away.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from messaging.gateway.client.timing import typing_ms
from messaging.gateway.client.transport import Request

STATUS_JID = "status@broadcast"
# Button type → (Evolution's field, ours).
_BUTTON_VALUES = {
    "reply": ("id", "id"),
    "copy": ("copyCode", "code"),
    "url": ("url", "url"),
    "call": ("phoneNumber", "phone"),
}
Payload = Mapping[str, Any]
ReadMedia = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Draft:
    """What there is to send; `media` reads a stored file by its key."""

    kind: str
    payload: Payload
    to: str
    read_media: ReadMedia
    # The id that we choose; "" where the server would ignore it.
    message_id: str = ""
    # {"provider_id", "from_me", "text"} and, where known, "remote_jid" and "participant".
    quote: Payload | None = None


def request_of(draft: Draft) -> Request:
    """Return the request for `draft`; raises OSError when a file cannot be read.

    A payload that lacks what its kind needs ends in KeyError, TypeError or ValueError.
    """
    act = _ACTS.get(draft.kind)
    if act is not None:
        method, path, build = act
        return Request(method, path, orjson.dumps(build(draft)))
    operation, build = _MESSAGES[draft.kind]
    body = {"number": draft.to, **_common(draft), **build(draft)}
    return Request("POST", f"/message/{operation}/{{name}}", orjson.dumps(body))


def _common(draft: Draft) -> dict[str, Any]:
    payload = draft.payload
    found: dict[str, Any] = {}
    if delay := typing_ms(dict(payload)):
        found["delay"] = delay
    quote = draft.quote or payload.get("quote")
    if quote:
        found["quoted"] = _quoted(quote, draft.to)
    if payload.get("mention_everyone"):
        # The schema of 2.3.7 and older says `everyOne`; the code reads this one.
        found["mentionsEveryOne"] = True
    if mentions := payload.get("mentions"):
        found["mentioned"] = [str(one).partition("@")[0] for one in mentions]
    if draft.message_id:
        found["messageId"] = draft.message_id
    return found


def _quoted(quote: Payload, to: str) -> dict[str, Any]:
    """Return the quote with its text: without it Evolution drops what it does not hold itself."""
    key = {
        "id": quote["provider_id"],
        "remoteJid": quote.get("remote_jid") or _jid(to),
        "fromMe": bool(quote.get("from_me")),
    }
    if participant := quote.get("participant"):
        key["participant"] = participant
    return {"key": key, "message": {"conversation": str(quote.get("text") or "")}}


def _jid(to: str) -> str:
    return to if "@" in to else f"{to}@s.whatsapp.net"


def _text(draft: Draft) -> dict[str, Any]:
    body: dict[str, Any] = {"text": draft.payload["text"]}
    if "link_preview" in draft.payload:
        body["linkPreview"] = bool(draft.payload["link_preview"])
    return body


def _bare(draft: Draft) -> str:
    """Return the file as base64 without a data-URI prefix, which Evolution refuses."""
    return base64.b64encode(draft.read_media(draft.payload["media"]["key"])).decode("ascii")


def _media(draft: Draft) -> dict[str, Any]:
    media = draft.payload["media"]
    body = {
        "mediatype": draft.kind,
        "media": _bare(draft),
        "mimetype": media.get("mime") or "application/octet-stream",
        # Required for documents; its ending decides the type that people see.
        "fileName": media.get("name") or "file",
    }
    if caption := draft.payload.get("caption"):
        body["caption"] = caption
    return body


def _voice(draft: Draft) -> dict[str, Any]:
    return {"audio": _bare(draft), "encoding": True}


def _location(draft: Draft) -> dict[str, Any]:
    place = draft.payload
    latitude, longitude = float(place["latitude"]), float(place["longitude"])
    # All four are required, and an empty name is refused.
    name = place.get("name") or f"{latitude:.5f}, {longitude:.5f}"
    return {
        "latitude": latitude,
        "longitude": longitude,
        "name": name,
        "address": place.get("address") or name,
    }


def _contact(draft: Draft) -> dict[str, Any]:
    return {"contact": [_card(one) for one in draft.payload["contacts"]]}


def _card(person: Payload) -> dict[str, Any]:
    digits = "".join(char for char in str(person["phone"]) if char.isdigit())
    card = {"fullName": person["name"], "phoneNumber": f"+{digits}", "wuid": digits}
    extra = ("organization", "email", "url")
    return card | {name: person[name] for name in extra if person.get(name)}


def _poll(draft: Draft) -> dict[str, Any]:
    poll = draft.payload
    return {
        "name": poll["name"],
        "selectableCount": int(poll.get("selectable", 1)),
        "values": list(poll["options"]),
    }


def _list(draft: Draft) -> dict[str, Any]:
    shown = draft.payload
    return {
        "title": shown["title"],
        "description": shown.get("text") or "",
        "buttonText": shown["button"],
        # Required and not empty in the schema of every release.
        "footerText": shown.get("footer") or " ",
        "sections": [
            {"title": section["title"], "rows": [_row(row) for row in section["rows"]]}
            for section in shown["sections"]
        ],
    }


def _row(row: Payload) -> dict[str, Any]:
    # Meta's channel crashes on a row without a description.
    description = row.get("description") or ""
    return {"title": row["title"], "description": description, "rowId": str(row["id"])}


def _buttons(draft: Draft) -> dict[str, Any]:
    shown = draft.payload
    body = {
        "title": shown["title"],
        "buttons": [_button(one, number) for number, one in enumerate(shown["buttons"], 1)],
    }
    wording = {"description": shown.get("text"), "footer": shown.get("footer")}
    return body | {name: said for name, said in wording.items() if said}


def _button(button: Payload, number: int) -> dict[str, Any]:
    kind, text = button["type"], button.get("text") or ""
    if kind == "pix":
        return {
            "type": "pix",
            "currency": button.get("currency") or "BRL",
            "name": button["name"],
            "keyType": button["key_type"],
            "key": button["key"],
        }
    theirs, ours = _BUTTON_VALUES[kind]
    value = str(button.get(ours) or number) if kind == "reply" else button[ours]
    return {"type": kind, "displayText": text, theirs: value}


def _template(draft: Draft) -> dict[str, Any]:
    shown = draft.payload
    return {
        "name": shown["name"],
        "language": shown["language"],
        "components": list(shown.get("components") or ()),
    }


def _status(draft: Draft) -> dict[str, Any]:
    post = draft.payload
    is_text = post["type"] == "text"
    body: dict[str, Any] = {
        "type": post["type"],
        "content": post["text"] if is_text else _bare(draft),
        "backgroundColor": post.get("background") or "#1F2C34",
        # 0 is in the schema and refused all the same.
        "font": int(post.get("font") or 1),
    }
    if caption := post.get("caption"):
        body["caption"] = caption
    if draft.message_id:
        body["messageId"] = draft.message_id
    audience = post.get("audience") or "all"
    if audience == "all":
        return body | {"allContacts": True}
    return body | {"allContacts": False, "statusJidList": list(audience)}


def _reaction(draft: Draft) -> dict[str, Any]:
    return {"key": _target(draft), "reaction": draft.payload["emoji"]}


def _edit(draft: Draft) -> dict[str, Any]:
    return {"number": draft.to, "key": _target(draft), "text": draft.payload["text"]}


def _delete(draft: Draft) -> dict[str, Any]:
    return _target(draft)


def _target(draft: Draft) -> dict[str, Any]:
    """Return the key of the message that an act is about: `payload["target"]`, or the quote."""
    target = draft.payload.get("target") or draft.quote or {}
    key = {
        "id": target["provider_id"],
        "remoteJid": target.get("remote_jid") or _jid(draft.to),
        "fromMe": bool(target.get("from_me")),
    }
    if participant := target.get("participant"):
        key["participant"] = participant
    return key


def _read(draft: Draft) -> dict[str, Any]:
    jid = _jid(draft.to)
    ids = draft.payload["provider_ids"]
    return {"readMessages": [{"id": one, "fromMe": False, "remoteJid": jid} for one in ids]}


Build = Callable[[Draft], dict[str, Any]]
_MESSAGES: dict[str, tuple[str, Build]] = {
    "text": ("sendText", _text),
    "image": ("sendMedia", _media),
    "video": ("sendMedia", _media),
    "audio": ("sendMedia", _media),
    "document": ("sendMedia", _media),
    "voice": ("sendWhatsAppAudio", _voice),
    "video_note": ("sendPtv", lambda draft: {"video": _bare(draft)}),
    "sticker": ("sendSticker", lambda draft: {"sticker": _bare(draft)}),
    "location": ("sendLocation", _location),
    "contact": ("sendContact", _contact),
    "poll": ("sendPoll", _poll),
    "list": ("sendList", _list),
    "buttons": ("sendButtons", _buttons),
    "template": ("sendTemplate", _template),
}
# Without a number of their own, or not under /message.
_ACTS: dict[str, tuple[str, str, Build]] = {
    "status": ("POST", "/message/sendStatus/{name}", _status),
    "reaction": ("POST", "/message/sendReaction/{name}", _reaction),
    "edit": ("POST", "/chat/updateMessage/{name}", _edit),
    "delete": ("DELETE", "/chat/deleteMessageForEveryone/{name}", _delete),
    "read": ("POST", "/chat/markMessageAsRead/{name}", _read),
}
