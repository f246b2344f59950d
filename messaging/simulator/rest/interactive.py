"""Lists, buttons, status posts and templates."""

from __future__ import annotations

from typing import Any

from messaging.simulator import rules
from messaging.simulator.errors import bad_request, invalid
from messaging.simulator.rest.call import Answer, Call, routes
from messaging.simulator.rest.messages import COMMON, send


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
    kinds = [str(button.get("type")) for button in body["buttons"] if isinstance(button, dict)]
    _check_buttons(kinds)
    shown = {
        "header": {"title": body["title"], "hasMediaAttachment": False},
        "body": {"text": body.get("description") or ""},
        "footer": {"text": body.get("footer") or ""},
        "nativeFlowMessage": {
            "buttons": [{"name": _flow_name(kind), "buttonParamsJson": "{}"} for kind in kinds]
        },
    }
    content = ("interactiveMessage", {"interactiveMessage": shown})
    return await send(call, "sendButtons", content, body["number"])


def _check_buttons(kinds: list[str]) -> None:
    known = {"reply", "copy", "url", "call", "pix"}
    if not kinds or any(kind not in known for kind in kinds):
        raise invalid("instance.buttons[0].type is not one of enum values: reply,copy,url,call,pix")
    if kinds.count("reply") > 3:
        raise bad_request("Maximum of 3 reply buttons allowed")
    if "reply" in kinds and set(kinds) != {"reply"}:
        raise bad_request("Reply buttons cannot be mixed with other types")
    if "pix" in kinds and len(kinds) > 1:
        raise bad_request("Only one PIX button is allowed")


def _flow_name(kind: str) -> str:
    names = {"reply": "quick_reply", "copy": "cta_copy", "url": "cta_url", "call": "cta_call"}
    return names.get(kind, "payment_info")


@routes.add("POST", "/message/sendStatus/{instance}", baileys_only=True)
async def send_status(call: Call) -> Answer:
    body = rules.check(call.body, {"type": "string", "content": "string", "caption": "?string"})
    if body["type"] not in {"text", "image", "video", "audio"}:
        raise invalid("instance.type is not one of enum values: text,image,audio,video")
    if not body.get("allContacts") and not body.get("statusJidList"):
        raise bad_request("StatusJidList is required")
    shown = {"text": body["content"] if body["type"] == "text" else body.get("caption", "")}
    content = ("extendedTextMessage", {"extendedTextMessage": shown})
    return await send(call, "sendStatus", content, "status@broadcast")


@routes.add("POST", "/message/sendTemplate/{instance}")
async def send_template(call: Call) -> Answer:
    body = rules.check(call.body, COMMON | {"name": "string", "language": "string"})
    if not call.instance.is_cloud:
        raise bad_request("Method not available in the Baileys service")
    content = ("conversation", {"conversation": f"▶️{body['name']}◀️"})
    return await send(call, "sendTemplate", content, body["number"])
