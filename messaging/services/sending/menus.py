"""Contact cards, polls, lists and buttons. Limits are the servers' (evolution-api.md §5.2)."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from evosense.core.phones import parse_phone
from messaging.services.sending import fields

Found = tuple[dict[str, Any], dict[str, Any]]
_MOST_REPLIES = 3
_BUTTON_FIELDS = {
    "reply": ("id",),
    "copy": ("code",),
    "url": ("url",),
    "call": ("phone",),
    "pix": ("name", "key_type", "key"),
}


def contacts(payload: dict[str, Any]) -> Found:
    cards = [_card(item) for item in fields.items(payload, "contacts", least=1, most=20)]
    extra = [
        {"name": card["name"], "phones": [{"number": card["phone"], "whatsapp": card["phone"]}]}
        for card in cards
    ]
    shown = {
        "type": "contact",
        "subtype": "list" if len(cards) > 1 else "",
        "text": ", ".join(card["name"] for card in cards),
        "extra": {"contacts": extra},
    }
    return {"contacts": cards}, shown


def _card(item: dict[str, Any]) -> dict[str, str]:
    phone = parse_phone(fields.text(item, "phone", longest=40))
    if phone is None:
        message = _("Use a number with country and area code, such as 55 11 91234-5678.")
        raise Invalid("invalid", message, field="contacts")
    card = {"name": fields.line(item, "name", longest=200), "phone": str(phone)}
    for name in ("organization", "email"):
        if value := fields.line(item, name, longest=300, least=0):
            card[name] = value
    if url := fields.web_address(item, "url", longest=300, least=0):
        card["url"] = url
    return card


def poll(payload: dict[str, Any]) -> Found:
    name = fields.text(payload, "name", longest=255)
    options = fields.words(payload, "options", least=2, most=10, longest=100)
    chosen = {"selectable": payload.get("selectable", 1)}
    selectable = fields.number(chosen, "selectable", least=0, most=len(options))
    clean = {"name": name, "options": options, "selectable": selectable}
    shown = {
        "type": "poll",
        "text": f"{name} [{' | '.join(options)}]",
        "extra": {"poll": dict(clean)},
    }
    return clean, shown


def options_list(payload: dict[str, Any]) -> Found:
    clean: dict[str, Any] = {
        "title": fields.text(payload, "title", longest=60),
        "text": fields.text(payload, "text", longest=1024),
        "button": fields.text(payload, "button", longest=20),
        "footer": fields.text(payload, "footer", longest=60, least=0),
        "sections": [
            _section(item) for item in fields.items(payload, "sections", least=1, most=10)
        ],
    }
    rows = [row for section in clean["sections"] for row in section["rows"]]
    if len({row["id"] for row in rows}) != len(rows):
        raise Invalid("not_unique", _("Every entry must be different."), field="id")
    labels = [row["title"] for row in rows]
    shown = {
        "type": "template",
        "subtype": "list",
        "text": clean["text"],
        "extra": {"buttons": labels},
    }
    return clean, shown


def _section(item: dict[str, Any]) -> dict[str, Any]:
    rows = [
        {
            "id": fields.text(row, "id", longest=200),
            "title": fields.text(row, "title", longest=24),
            "description": fields.text(row, "description", longest=72, least=0),
        }
        for row in fields.items(item, "rows", least=1, most=10)
    ]
    return {"title": fields.text(item, "title", longest=24), "rows": rows}


def buttons(payload: dict[str, Any]) -> Found:
    found = [_button(item) for item in fields.items(payload, "buttons", least=1, most=10)]
    kinds = [button["type"] for button in found]
    if "reply" in kinds and (set(kinds) != {"reply"} or len(kinds) > _MOST_REPLIES):
        raise Invalid(
            "invalid",
            _("Use at most three reply buttons, and no other buttons with them."),
            field="buttons",
        )
    if "pix" in kinds and len(kinds) > 1:
        raise Invalid("invalid", _("A Pix button stands alone."), field="buttons")
    clean = {
        "title": fields.text(payload, "title", longest=60),
        "text": fields.text(payload, "text", longest=1024),
        "footer": fields.text(payload, "footer", longest=60, least=0),
        "buttons": found,
    }
    shown = {
        "type": "template",
        "subtype": "buttons",
        "text": clean["text"],
        "extra": {"buttons": [button["text"] for button in found]},
    }
    return clean, shown


def _button(item: dict[str, Any]) -> dict[str, str]:
    kind = item.get("type")
    if kind not in _BUTTON_FIELDS:
        raise Invalid("invalid", _("This kind of button does not exist."), field="buttons")
    button = {"type": str(kind), "text": fields.line(item, "text", longest=25)}
    for name in _BUTTON_FIELDS[kind]:
        read = fields.web_address if name == "url" else fields.line
        button[name] = read(item, name, longest=300)
    return button


READERS: dict[str, Callable[[dict[str, Any]], Found]] = {
    "contact": contacts,
    "poll": poll,
    "list": options_list,
    "buttons": buttons,
}
