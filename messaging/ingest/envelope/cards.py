"""Readers of structured content: locations, contact cards, polls, replies, orders, invites."""

import re
from typing import Any

from messaging.ingest.envelope.jids import norm_jid
from messaging.ingest.envelope.scalars import as_list, as_map, clean_name, text_of, to_int

Fields = dict[str, Any]

_MAX_CARDS = 100
_MAX_OPTIONS = 64
_TEL = re.compile(r"^(?:item\d+\.)?TEL([^:\r\n]*):([^\r\n]*)$", re.IGNORECASE | re.MULTILINE)
_FN = re.compile(r"^FN[^:\r\n]*:([^\r\n]*)$", re.IGNORECASE | re.MULTILINE)
_WAID = re.compile(r"waid=(\d{5,20})", re.IGNORECASE)


def location(subtype: str, value: dict[str, Any]) -> Fields:
    name, address = text_of(value.get("name")), text_of(value.get("address"))
    where = {
        "latitude": _degrees(value.get("degreesLatitude", value.get("latitude")), 90),
        "longitude": _degrees(value.get("degreesLongitude", value.get("longitude")), 180),
        "name": name[:1000],
        "address": address[:1000],
        "url": text_of(value.get("url"))[:2000],
        "accuracy": to_int(value.get("accuracyInMeters")),
    }
    text = name or address or text_of(value.get("comment")) or text_of(value.get("caption"))
    return {
        "type": "location",
        "subtype": subtype,
        "text": text,
        "extra": {"location": {key: part for key, part in where.items() if part not in ("", None)}},
    }


def _degrees(value: object, limit: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if -limit <= number <= limit else None


def contact_card(value: dict[str, Any]) -> Fields:
    card = _card(value)
    return {"type": "contact", "text": card["name"], "extra": {"contacts": [card]}}


def contact_cards(value: dict[str, Any]) -> Fields:
    found = [item for item in as_list(value.get("contacts"))[:_MAX_CARDS] if isinstance(item, dict)]
    cards = [_card(item) for item in found]
    names = ", ".join(card["name"] for card in cards if card["name"])
    return {
        "type": "contact",
        "subtype": "list",
        "text": names or text_of(value.get("displayName")),
        "extra": {"contacts": cards},
    }


def _card(value: dict[str, Any]) -> dict[str, Any]:
    vcard = text_of(value.get("vcard"))[:20_000]
    named = _FN.search(vcard)
    phones = []
    for parameters, number in _TEL.findall(vcard)[:20]:
        waid = _WAID.search(parameters)
        phones.append({"number": clean_name(number)[:40], "whatsapp": waid[1] if waid else ""})
    name = clean_name(value.get("displayName")) or clean_name(named[1] if named else "")
    return {"name": name, "phones": phones}


def poll(value: dict[str, Any]) -> Fields:
    name = text_of(value.get("name"))
    options = [
        text_of(option.get("optionName"))[:500]
        if isinstance(option, dict)
        else text_of(option)[:500]
        for option in as_list(value.get("options"))[:_MAX_OPTIONS]
    ]
    options = [option for option in options if option]
    choices = f"[{' | '.join(options)}]" if options else ""
    return {
        "type": "poll",
        "text": f"{name} {choices}".strip(),
        "extra": {
            "poll": {
                "name": name,
                "options": options,
                "selectable": to_int(value.get("selectableOptionsCount")) or 0,
            }
        },
    }


def reply(subtype: str, value: dict[str, Any], text: str, ident: str) -> Fields:
    payload = text_of(value.get(ident))[:1000]
    return {
        "type": "interactive_reply",
        "subtype": subtype,
        "text": text_of(value.get(text)) or payload,
        "extra": {"payload_id": payload} if payload else {},
    }


def list_reply(value: dict[str, Any]) -> Fields:
    row = text_of(as_map(value.get("singleSelectReply")).get("selectedRowId"))[:1000]
    text = text_of(value.get("title")) or text_of(value.get("description")) or row
    return {
        "type": "interactive_reply",
        "subtype": "list",
        "text": text,
        "extra": {"payload_id": row} if row else {},
    }


def response(value: dict[str, Any]) -> Fields:
    flow = as_map(value.get("nativeFlowResponseMessage"))
    raw = text_of(flow.get("paramsJson"))
    name = text_of(flow.get("name"))[:200]
    return {
        "type": "interactive_reply",
        "subtype": "button",
        "text": text_of(as_map(value.get("body")).get("text")) or raw,
        "extra": {key: part for key, part in (("flow", name), ("params", raw[:20_000])) if part},
    }


def interactive(subtype: str, value: dict[str, Any]) -> Fields:
    """Buttons and lists that a business sent."""
    body = as_map(value.get("body"))
    candidates = (
        value.get("contentText"),
        value.get("hydratedContentText"),
        body.get("text"),
        value.get("description"),
        value.get("title"),
        value.get("text"),
    )
    text = next((found for found in candidates if isinstance(found, str) and found), "")
    buttons = [_button(item) for item in _buttons(value)[:_MAX_OPTIONS] if isinstance(item, dict)]
    shown = [label for label in buttons if label]
    return {
        "type": "template",
        "subtype": subtype,
        "text": text,
        "extra": {"buttons": shown} if shown else {},
    }


def _buttons(value: dict[str, Any]) -> list[Any]:
    flow = as_map(value.get("nativeFlowMessage"))
    for found in (value.get("buttons"), value.get("hydratedButtons"), flow.get("buttons")):
        if isinstance(found, list) and found:
            return found
    rows = [
        as_list(as_map(section).get("rows"))
        for section in as_list(value.get("sections"))[:_MAX_OPTIONS]
    ]
    return [row for group in rows for row in group]


def _button(item: dict[str, Any]) -> str:
    nested = [as_map(part).get("displayText") for part in item.values()]
    for found in (item.get("displayText"), item.get("title"), *nested, item.get("name")):
        if isinstance(found, str) and found:
            return found[:200]
    return ""


def order(value: dict[str, Any]) -> Fields:
    details = {
        "id": text_of(value.get("orderId"))[:200],
        "title": text_of(value.get("orderTitle"))[:500],
        "items": to_int(value.get("itemCount")),
        "amount_1000": to_int(value.get("totalAmount1000")),
        "currency": text_of(value.get("totalCurrencyCode"))[:8],
    }
    text = text_of(value.get("message")) or text_of(value.get("orderTitle"))
    return _commerce("", text, details)


def product(value: dict[str, Any]) -> Fields:
    item = as_map(value.get("product"))
    details = {
        "id": text_of(item.get("productId"))[:200],
        "title": text_of(item.get("title"))[:500],
        "amount_1000": to_int(item.get("priceAmount1000")),
        "currency": text_of(item.get("currencyCode"))[:8],
    }
    return _commerce("product", text_of(item.get("title")) or text_of(value.get("body")), details)


def payment(value: dict[str, Any]) -> Fields:
    note = as_map(value.get("noteMessage"))
    extended = as_map(note.get("extendedTextMessage"))
    amount = as_map(value.get("amount"))
    details = {
        "amount_1000": to_int(value.get("amount1000") or amount.get("value")),
        "currency": text_of(value.get("currencyCodeIso4217") or amount.get("currencyCode"))[:8],
    }
    text = text_of(note.get("conversation")) or text_of(extended.get("text"))
    return _commerce("payment", text, details)


def _commerce(subtype: str, text: str, details: dict[str, Any]) -> Fields:
    kept = {key: part for key, part in details.items() if part not in ("", None)}
    return {"type": "order", "subtype": subtype, "text": text, "extra": {"order": kept}}


def group_invite(value: dict[str, Any]) -> Fields:
    details = {
        "group_jid": norm_jid(value.get("groupJid")),
        "group_name": clean_name(value.get("groupName")),
        "expires_at": to_int(value.get("inviteExpiration")),
    }
    text = text_of(value.get("caption")) or details["group_name"]
    return {
        "type": "group_invite",
        "text": text,
        "extra": {"invite": {key: part for key, part in details.items() if part}},
    }
