"""Lists, buttons, status posts and templates."""

from __future__ import annotations

from typing import Any

import orjson

from messaging.simulator import rules
from messaging.simulator.errors import bad_request, invalid
from messaging.simulator.rest.call import Answer, Call, routes
from messaging.simulator.rest.media import send_file
from messaging.simulator.rest.messages import COMMON, send

BUTTONS = {
    "reply": ("displayText", "id"),
    "copy": ("displayText", "copyCode"),
    "url": ("displayText", "url"),
    "call": ("displayText", "phoneNumber"),
    "pix": ("currency", "name", "keyType", "key"),
}
"""What each kind of button needs."""
FLOWS = {
    "reply": "quick_reply",
    "copy": "cta_copy",
    "url": "cta_url",
    "call": "cta_call",
    "pix": "payment_info",
}


@routes.add("POST", "/message/sendList/{instance}")
async def send_list(call: Call) -> Answer:
    rule = COMMON | {
        "title": "string",
        "buttonText": "string",
        "footerText": "string",
        "sections": "array",
        "description": "?string",
    }
    body = rules.check(call.body, rule)
    for number, section in enumerate(body["sections"]):
        where = f"instance.sections[{number}]"
        rules.check(section, {"title": "string", "rows": "array"}, where)
        for index, row in enumerate(section["rows"]):
            rules.check(row, {"title": "string", "rowId": "string"}, f"{where}.rows[{index}]")
    shown: dict[str, Any] = {
        "title": body["title"],
        "description": body.get("description", ""),
        "buttonText": body["buttonText"],
        "footerText": body["footerText"],
        "sections": body["sections"],
        "listType": 2,
    }
    return await send(call, "sendList", ("listMessage", {"listMessage": shown}), body["number"])


@routes.add("POST", "/message/sendButtons/{instance}")
async def send_buttons(call: Call) -> Answer:
    body = rules.check(call.body, COMMON | {"title": "string", "buttons": "array"})
    for number, button in enumerate(body["buttons"]):
        _check_button(button, f"instance.buttons[{number}]")
    _check_mixture([button["type"] for button in body["buttons"]])
    shown = {
        "header": {"title": body["title"], "hasMediaAttachment": False},
        "body": {"text": body.get("description") or ""},
        "footer": {"text": body.get("footer") or ""},
        "nativeFlowMessage": {"buttons": [_flow(button) for button in body["buttons"]]},
    }
    content = ("interactiveMessage", {"interactiveMessage": shown})
    return await send(call, "sendButtons", content, body["number"])


def _check_button(button: Any, where: str) -> None:
    rules.check(button, {"type": "string"}, where)
    if button["type"] not in BUTTONS:
        raise invalid(f"{where}.type is not one of enum values: {','.join(BUTTONS)}")
    rules.check(button, dict.fromkeys(BUTTONS[button["type"]], "string"), where)


def _check_mixture(kinds: list[str]) -> None:
    if not kinds:
        raise invalid("instance.buttons does not meet minimum length of 1")
    if kinds.count("reply") > 3:
        raise bad_request("Maximum of 3 reply buttons allowed")
    if "reply" in kinds and set(kinds) != {"reply"}:
        raise bad_request("Reply buttons cannot be mixed with other types")
    if "pix" in kinds and len(kinds) > 1:
        raise bad_request("Only one PIX button is allowed")


def _flow(button: dict[str, Any]) -> dict[str, str]:
    parts = {name: text for name, text in button.items() if name != "type"}
    return {"name": FLOWS[button["type"]], "buttonParamsJson": orjson.dumps(parts).decode()}


@routes.add("POST", "/message/sendStatus/{instance}", baileys_only=True)
async def send_status(call: Call) -> Answer:
    rule: rules.Rule = {"type": "string", "content": "string", "caption": "?string"}
    body = rules.check(call.body, rule | {"statusJidList": "?array", "allContacts": "?boolean"})
    kind = body["type"]
    if kind not in {"text", "image", "video", "audio"}:
        raise invalid("instance.type is not one of enum values: text,image,audio,video")
    if not body.get("allContacts") and not body.get("statusJidList"):
        raise bad_request("StatusJidList is required")
    if kind != "text":
        return await send_file(call, "sendStatus", kind, "status@broadcast", body["content"])
    if not body.get("backgroundColor"):
        raise bad_request("Background color is required")
    if not body.get("font"):
        # Zero is a font, and is refused here all the same.
        raise bad_request("Font is required")
    shown = {"text": body["content"], "font": body["font"]}
    content = ("extendedTextMessage", {"extendedTextMessage": shown})
    return await send(call, "sendStatus", content, "status@broadcast")


@routes.add("POST", "/message/sendTemplate/{instance}")
async def send_template(call: Call) -> Answer:
    rule = COMMON | {"name": "string", "language": "string", "components": "array"}
    body = rules.check(call.body, rule)
    if not call.instance.is_cloud:
        raise bad_request("Method not available in the Baileys service")
    content = ("conversation", {"conversation": f"▶️{body['name']}◀️"})
    return await send(call, "sendTemplate", content, body["number"])
