"""Chats: number checks, searches, media, pictures."""

from __future__ import annotations

import base64
import math
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from messaging.simulator import rules
from messaging.simulator.content import MIMES, media_file
from messaging.simulator.dice import row_id
from messaging.simulator.errors import ApiError, RawError, bad_request, invalid
from messaging.simulator.faults import FaultKind
from messaging.simulator.numbers import to_jid
from messaging.simulator.rest.call import Answer, Call, routes
from messaging.simulator.rest.messages import resolve
from messaging.simulator.rhythm import iso_utc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messaging.simulator.store import Stored

KINDS = tuple(f"{kind}Message" for kind in MIMES)


@routes.add("POST", "/chat/whatsappNumbers/{instance}", baileys_only=True)
async def whatsapp_numbers(call: Call) -> Answer:
    body = rules.check(call.body, {"numbers": "array"})
    if not body["numbers"]:
        raise invalid("instance.numbers does not meet minimum length of 1")
    if call.instance.state != "open":
        raise RawError(400, {})
    rows = [_checked(call, str(number)) for number in body["numbers"]]
    # Groups come before people, whatever the order of the question.
    return Answer(sorted(rows, key=lambda row: not row["jid"].endswith("@g.us")))


def _checked(call: Call, number: str) -> dict[str, Any]:
    jid = to_jid(number)
    known = call.sim.world.by_jid.get(jid)
    try:
        used = resolve(call.sim, call.instance, number)
    except ApiError:
        return {"jid": jid, "exists": False, "number": number}
    row: dict[str, Any] = {"jid": used, "exists": True, "number": number}
    name = known[1].name if known else call.instance.contacts.get(used)
    return row | ({"name": name} if name else {})


@routes.add("POST", "/chat/findMessages/{instance}")
async def find_messages(call: Call) -> Answer:
    body = call.body if isinstance(call.body, dict) else {}
    where = body.get("where") or {}
    found = [stored for stored in call.instance.messages.values() if _fits(stored, where)]
    found.sort(key=lambda stored: stored.data["messageTimestamp"], reverse=True)
    size = max(int(body.get("offset") or 50), 1)
    page = max(int(body.get("page") or 1), 1)
    chosen = found[(page - 1) * size : page * size]
    shown = {
        "total": len(found),
        "pages": math.ceil(len(found) / size),
        "currentPage": page,
        "records": [stored.record() for stored in chosen],
    }
    return Answer({"messages": shown})


def _fits(stored: Stored, where: Mapping[str, Any]) -> bool:
    """`fromMe: false` is ignored, and a time filter needs both ends, as at Evolution."""
    key, data = where.get("key") or {}, stored.data
    if key.get("id") and stored.key["id"] != key["id"]:
        return False
    if key.get("remoteJid") and stored.key["remoteJid"] != key["remoteJid"]:
        return False
    if key.get("fromMe") and not stored.key["fromMe"]:
        return False
    if where.get("messageType") and data["messageType"] != where["messageType"]:
        return False
    return _in_time(data["messageTimestamp"], where.get("messageTimestamp") or {})


def _in_time(stamp: int, bounds: Mapping[str, Any]) -> bool:
    if not (bounds.get("gte") and bounds.get("lte")):
        return True
    try:
        ends = [datetime.fromisoformat(str(bounds[end])).timestamp() for end in ("gte", "lte")]
    except ValueError:
        raise ApiError(500, ["Invalid `prisma.message.findMany()` invocation"]) from None
    return ends[0] <= stamp <= ends[1]


@routes.add("POST", "/chat/findStatusMessage/{instance}")
async def find_status_message(call: Call) -> Answer:
    where = (call.body or {}).get("where") or {}
    rows = [
        {
            "id": row_id(f"{stored.key['id']}-{number}"),
            "keyId": stored.key["id"],
            "remoteJid": stored.key["remoteJid"],
            "fromMe": stored.key["fromMe"],
            "participant": None,
            "pollUpdates": None,
            "status": status,
            "messageId": row_id(stored.key["id"]),
            "instanceId": call.instance.id,
        }
        for stored in call.instance.messages.values()
        if where.get("id") in {None, stored.key["id"]}
        and where.get("remoteJid") in {None, stored.key["remoteJid"]}
        for number, status in enumerate(stored.statuses)
    ]
    return Answer(rows)


@routes.add("POST", "/chat/findChats/{instance}", baileys_only=True)
async def find_chats(call: Call) -> Answer:
    body = call.body if isinstance(call.body, dict) else {}
    wanted = (body.get("where") or {}).get("remoteJid")
    rows = [
        _chat_row(call, jid, stored)
        for jid, stored in call.instance.chats().items()
        if wanted in {None, jid}
    ]
    skip, take = int(body.get("skip") or 0), body.get("take")
    return Answer(rows[skip : skip + int(take)] if take else rows[skip:])


def _chat_row(call: Call, jid: str, stored: Stored) -> dict[str, Any]:
    stamp = float(stored.data["messageTimestamp"])
    return {
        "id": row_id(f"chat-{jid}"),
        "remoteJid": jid,
        "pushName": call.instance.contacts.get(jid),
        "profilePicUrl": None,
        "updatedAt": iso_utc(stamp),
        "windowStart": iso_utc(stamp),
        "windowExpires": iso_utc(stamp + 86_400),
        "windowActive": time.time() < stamp + 86_400,
        "lastMessage": stored.record(),
        "unreadCount": 0,
        "isSaved": True,
    }


@routes.add("POST", "/chat/findContacts/{instance}")
async def find_contacts(call: Call) -> Answer:
    body = call.body if isinstance(call.body, dict) else {}
    wanted = (body.get("where") or {}).get("remoteJid")
    stamps = {name: iso_utc(call.instance.created) for name in ("createdAt", "updatedAt")}
    rows = [
        {
            "id": row_id(f"contact-{jid}"),
            "remoteJid": jid,
            "pushName": name,
            "profilePicUrl": None,
            **stamps,
            "instanceId": call.instance.id,
            "isGroup": jid.endswith("@g.us"),
            "isSaved": True,
            "type": "group" if jid.endswith("@g.us") else "contact",
        }
        for jid, name in call.instance.contacts.items()
        if wanted in {None, jid}
    ]
    if not body.get("offset"):
        return Answer(rows)
    size, page = int(body["offset"]), int(body.get("page") or 1)
    return Answer(rows[(page - 1) * size : page * size])


@routes.add("POST", "/chat/getBase64FromMediaMessage/{instance}", baileys_only=True)
async def get_base64(call: Call) -> Answer:
    body = rules.check(call.body, {"message": "object", "convertToMp4": "?boolean"})
    wa_id = (body["message"].get("key") or {}).get("id")
    stored = call.instance.messages.get(str(wa_id))
    message = body["message"].get("message")
    if message is None:
        if stored is None:
            raise bad_request("Message not found")
        message = stored.data["message"]
    found = media_file(message)
    if found is None:
        raise bad_request("The message is not of the media type")
    if call.sim.faults.strike(FaultKind.BAD_DECRYPT, call.instance.name):
        raise bad_request("Error: error:1C800064:Provider routines::bad decrypt")
    if stored is not None and stored.file is not None:
        found = (found[0], stored.file)
    return Answer(_media_row(message, str(wa_id), *found), 201)


def _media_row(message: dict[str, Any], wa_id: str, mime: str, raw: bytes) -> dict[str, Any]:
    kind = next(name for name in KINDS if name in message)
    media = message[kind]
    suffix = mime.partition(";")[0].partition("/")[2]
    size = {name: media[name] for name in ("fileLength", "height", "width") if name in media}
    return {
        "mediaType": kind,
        "fileName": media.get("fileName") or f"{wa_id}.{suffix}",
        "caption": media.get("caption"),
        "size": size,
        "mimetype": mime,
        "base64": base64.b64encode(raw).decode(),
        "buffer": None,
    }


@routes.add("POST", "/chat/fetchProfilePictureUrl/{instance}", baileys_only=True)
async def profile_picture(call: Call) -> Answer:
    body = rules.check(call.body, {"number": "string"})
    jid = to_jid(body["number"])
    known = call.sim.world.by_jid.get(jid)
    # About half of all people show their picture to strangers.
    is_shown = known is not None and known[1].index % 2 == 0
    url = f"https://pps.whatsapp.example/v/t61/{jid.partition('@')[0][-6:]}.jpg"
    return Answer({"wuid": jid, "profilePictureUrl": url if is_shown else None})
