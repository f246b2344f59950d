"""Sending files: by address, or with their bytes, which `getBase64…` gives back later."""

from __future__ import annotations

import base64
import binascii
import re
import time

from messaging.simulator import rules
from messaging.simulator.errors import bad_request, invalid
from messaging.simulator.rest.call import Answer, Call, routes
from messaging.simulator.rest.messages import COMMON, send

URL = re.compile(r"https?://[^/]+\.[^/]+")
KINDS = ("image", "document", "video", "audio")


@routes.add("POST", "/message/sendMedia/{instance}")
async def send_media(call: Call) -> Answer:
    rule = COMMON | {"mediatype": "string", "media": "string", "caption": "?string"}
    body = rules.check(call.body, rule | {"mimetype": "?string", "fileName": "?string"})
    kind = body["mediatype"]
    if kind not in KINDS:
        raise invalid(f"instance.mediatype is not one of enum values: {','.join(KINDS)}")
    if kind == "document" and not URL.match(body["media"]) and not body.get("fileName"):
        raise bad_request("For base64 the file name must be informed.")
    return await send_file(call, "sendMedia", kind, body["number"], body["media"])


@routes.add("POST", "/message/sendWhatsAppAudio/{instance}")
async def send_audio(call: Call) -> Answer:
    body = rules.check(call.body, COMMON | {"audio": "string", "encoding": "?boolean"})
    return await send_file(call, "sendWhatsAppAudio", "audio", body["number"], body["audio"])


@routes.add("POST", "/message/sendPtv/{instance}", baileys_only=True)
async def send_round_video(call: Call) -> Answer:
    body = rules.check(call.body, COMMON | {"video": "string"})
    return await send_file(call, "sendPtv", "video", body["number"], body["video"])


@routes.add("POST", "/message/sendSticker/{instance}", baileys_only=True)
async def send_sticker(call: Call) -> Answer:
    body = rules.check(call.body, COMMON | {"sticker": "string"})
    return await send_file(call, "sendSticker", "sticker", body["number"], body["sticker"])


async def send_file(call: Call, operation: str, kind: str, number: str, given: str) -> Answer:
    """Send the bytes (or the address) in `given`."""
    file, body = _decoded(given), call.body
    detail = str(body.get("fileName") or "") if kind == "document" else ""
    contents = call.instance.bodies.contents
    content = contents.media(
        call.sim.die, kind, str(body.get("caption") or ""), detail, int(time.time())
    )
    inner = content[1][f"{kind}Message"]
    if file is not None:
        contents.describe(inner, file, str(body.get("mimetype") or ""))
    if operation == "sendMedia" and kind == "audio":
        inner["ptt"] = False
    if operation == "sendPtv":
        content = ("ptvMessage", {"ptvMessage": inner})
    return await send(call, operation, content, number, file=file)


def _decoded(given: str) -> bytes | None:
    """The bytes that were handed over; None for an address."""
    if URL.match(given):
        return None
    if given.startswith("data:"):
        raise bad_request("Owned media must be a url or base64")
    try:
        return base64.b64decode(given, validate=True)
    except binascii.Error:
        raise bad_request("Owned media must be a url or base64") from None
