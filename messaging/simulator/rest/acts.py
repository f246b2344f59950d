"""What is done to messages and chats: read and played marks, typing, edits, deletions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from messaging.simulator import rules
from messaging.simulator.dice import row_id
from messaging.simulator.encoding import MESSAGE_EDIT, raw_enum, raw_int
from messaging.simulator.errors import ApiError, bad_request, invalid
from messaging.simulator.rest.call import Answer, Call, routes
from messaging.simulator.rest.messages import require_socket, resolve

if TYPE_CHECKING:
    from messaging.simulator.store import Stored

PRESENCES = ("unavailable", "available", "composing", "recording", "paused")
CAPTIONED = ("imageMessage", "videoMessage", "documentMessage")
KEY: rules.Rule = {"id": "string", "fromMe": "boolean", "remoteJid": "string"}


@routes.add("POST", "/chat/markMessageAsRead/{instance}", baileys_only=True)
async def mark_as_read(call: Call) -> Answer:
    body = rules.check(call.body, {"readMessages": "array"})
    for number, key in enumerate(body["readMessages"]):
        rules.check(key, KEY, f"instance.readMessages[{number}]")
    require_socket(call.sim, call.instance, checking_number=True)
    _told(call, "markMessageAsRead", body["readMessages"])
    return Answer({"message": "Read messages", "read": "success"}, 201)


@routes.add("POST", "/chat/markMessageAsPlayed/{instance}", baileys_only=True, since=(2, 4, 0))
async def mark_as_played(call: Call) -> Answer:
    body = rules.check(call.body, {"playedMessages": "array"})
    for number, key in enumerate(body["playedMessages"]):
        rules.check(key, KEY, f"instance.playedMessages[{number}]")
    require_socket(call.sim, call.instance, checking_number=True)
    _told(call, "markMessageAsPlayed", body["playedMessages"])
    return Answer({"message": "Played messages", "played": "success"}, 201)


def _told(call: Call, operation: str, keys: list[dict[str, Any]]) -> None:
    for jid in dict.fromkeys(key["remoteJid"] for key in keys):
        ids = [key["id"] for key in keys if key["remoteJid"] == jid]
        call.sim.journal.acted(call.instance.name, operation, jid, *ids)


@routes.add("POST", "/chat/sendPresence/{instance}", baileys_only=True)
async def send_presence(call: Call) -> Answer:
    rule: rules.Rule = {"number": "string", "presence": "string", "delay": "integer"}
    body = rules.check(call.body, rule)
    if body["presence"] not in PRESENCES:
        raise invalid(f"instance.presence is not one of enum values: {','.join(PRESENCES)}")
    require_socket(call.sim, call.instance, checking_number=True)
    try:
        jid = resolve(call.sim, call.instance, body["number"])
    except ApiError:
        raise bad_request("[object Object]") from None
    call.sim.journal.acted(call.instance.name, "sendPresence", jid)
    await call.sim.sleep(body["delay"] / 1000)
    return Answer({"presence": body["presence"]}, 201)


@routes.add("POST", "/chat/updateMessage/{instance}", baileys_only=True)
async def update_message(call: Call) -> Answer:
    body = rules.check(call.body, {"number": "string", "key": "object", "text": "string"})
    require_socket(call.sim, call.instance, checking_number=True)
    key = body["key"]
    jid = resolve(call.sim, call.instance, body["number"])
    stored = call.instance.messages.get(str(key.get("id")))
    if stored is None:
        raise bad_request("Message not found")
    if stored.key["remoteJid"] != jid:
        raise bad_request("RemoteJid does not match")
    if not stored.key["fromMe"]:
        raise bad_request("You cannot edit others messages")
    now, family = time.time(), call.instance.bodies.version.family
    protocol = {
        "key": {"remoteJid": jid, "fromMe": True, "id": key["id"]},
        "type": raw_enum(family, MESSAGE_EDIT),
        "editedMessage": {"extendedTextMessage": {"text": body["text"]}},
        "timestampMs": raw_int(family, int(now * 1000)),
    }
    _rewrite(stored, body["text"])
    call.sim.journal.acted(call.instance.name, "updateMessage", jid, str(key["id"]))
    call.sim.emit(call.instance, "send.message.update", protocol)
    return Answer({"key": protocol["key"], "message": {"protocolMessage": protocol}})


def _rewrite(stored: Stored, text: str) -> None:
    """A caption where there is a file, the text everywhere else."""
    message = stored.data["message"]
    media = next((message[name] for name in CAPTIONED if name in message), None)
    if media is None:
        stored.data = stored.data | {"message": {"conversation": text}}
    else:
        media["caption"] = text


@routes.add("DELETE", "/chat/deleteMessageForEveryone/{instance}", baileys_only=True)
async def delete_message(call: Call) -> Answer:
    body = rules.check(call.body, KEY)
    require_socket(call.sim, call.instance, checking_number=True)
    call.sim.journal.acted(
        call.instance.name, "deleteMessageForEveryone", body["remoteJid"], body["id"]
    )
    stored = call.instance.messages.get(body["id"])
    if stored is not None:
        row = {
            "id": row_id(body["id"]),
            "instanceId": call.instance.id,
            "key": stored.key,
            "messageType": stored.data["messageType"],
            "status": "DELETED",
            "source": stored.data.get("source"),
            "messageTimestamp": stored.data["messageTimestamp"],
            "pushName": stored.data.get("pushName"),
            "participant": None,
            "message": stored.data["message"],
        }
        call.sim.emit(call.instance, "messages.delete", row)
    key = {name: body[name] for name in KEY}
    revoke = {"protocolMessage": {"key": key, "type": "REVOKE"}}
    return Answer({"key": key, "message": revoke, "status": "PENDING"}, 201)
