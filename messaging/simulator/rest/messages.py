"""Sending: checks in Evolution's order, then the journal, the echo and the receipts."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from messaging.simulator import rules
from messaging.simulator.bodies import message_id
from messaging.simulator.content import EMPTY_CONTEXT, Content
from messaging.simulator.encoding import encode_enum, encode_int
from messaging.simulator.errors import ApiError, HangupError, bad_request, invalid
from messaging.simulator.faults import FaultKind
from messaging.simulator.numbers import to_jid
from messaging.simulator.rest.call import Answer, Call, routes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messaging.simulator.faults import Fault
    from messaging.simulator.state import Simulator
    from messaging.simulator.store import Instance

COMMON: rules.Rule = {
    "number": "string",
    "delay": "?integer",
    "quoted": "?object",
    "messageId": "?string",
    "linkPreview": "?boolean",
    "mentionsEveryOne": "?boolean",
    "mentioned": "?array",
}
JOURNAL_LEAVES_OUT = frozenset({"media", "audio", "video", "sticker"})
MEDIA_URL = re.compile(r"https?://[^/]+\.[^/]+")
RECEIPTS = (("SERVER_ACK", 0.8), ("DELIVERY_ACK", 2.5), ("READ", 12.0))


def require_socket(sim: Simulator, instance: Instance, *, checking_number: bool) -> None:
    """The answers of a channel that is down, which differ by when it is noticed."""
    if instance.state is None:
        raise ApiError(500, "Cannot read properties of undefined (reading 'onWhatsApp')")
    fault = sim.faults.strike(FaultKind.CONNECTION_CLOSED, instance.name)
    if instance.state != "open" or fault:
        as_string = checking_number if fault is None else fault.status == 500
        if as_string:
            raise ApiError(500, "Connection Closed")
        raise bad_request("Error: Connection Closed")


def resolve(sim: Simulator, instance: Instance, number: str) -> str:
    """The JID that is really used, or 400 when WhatsApp does not know the number."""
    jid = to_jid(number)
    if jid.endswith(("@lid", "@g.us", "@broadcast")):
        return jid
    known = sim.world.by_jid.get(jid)
    if known is not None:
        return known[1].jid
    digits = jid.partition("@")[0]
    if sim.faults.is_wrong(instance.name, digits) or digits.endswith("9999"):
        raise ApiError(400, [{"jid": jid, "exists": False, "number": number}])
    return jid


async def send(
    call: Call, operation: str, content: Content, number: str, *, file: bytes | None = None
) -> Answer:
    """Common to every operation: check, wait, accept, tell."""
    sim, instance, body = call.sim, call.instance, call.body
    require_socket(sim, instance, checking_number=instance.state != "open")
    jid = resolve(sim, instance, number)
    await call.client.wait(min(float(body.get("delay") or 0), 120_000) / 1000 * sim.factor)
    require_socket(sim, instance, checking_number=False)
    if instance.is_cloud and sim.faults.strike(FaultKind.CLOUD_ERROR, instance.name):
        return Answer(_meta_error(), 201)
    data = instance.bodies.message(
        {"remoteJid": jid, "fromMe": True, "id": _id_of(call)},
        content,
        time.time(),
        push_name="Você",
        status="PENDING",
        source="web",
        context=_context(instance, body),
    )
    lost = sim.faults.strike(FaultKind.LOST_ANSWER, instance.name)
    is_first = _is_first(instance, data)
    _record(call, operation, number, data, answered=lost is None, shown=is_first)
    if is_first:
        instance.keep(data, file=file)
    _tell(sim, instance, data, shown=is_first)
    await _answer_badly(call, lost)
    return Answer(data, 201)


def _id_of(call: Call) -> str:
    """The caller's own id where the version honours it; others ignore the field."""
    wanted = call.body.get("messageId")
    if wanted and call.instance.bodies.version.honours_message_id:
        return str(wanted)
    return message_id(call.sim.die, "web")


def _is_first(instance: Instance, data: dict[str, Any]) -> bool:
    """WhatsApp shows only the first message with an id in a chat."""
    stored = instance.messages.get(data["key"]["id"])
    return stored is None or stored.data["key"]["remoteJid"] != data["key"]["remoteJid"]


async def _answer_badly(call: Call, lost: Fault | None) -> None:
    """The message has left; what the client hears of it is another matter."""
    faults, name = call.sim.faults, call.instance.name
    if lost is not None:
        await call.client.wait(lost.seconds)
        raise HangupError
    late = faults.strike(FaultKind.LATE_ANSWER, name)
    if late is not None:
        await call.client.wait(late.seconds)
    failed = faults.strike(FaultKind.FAILED_ANSWER, name)
    if failed is not None and failed.status == 400:
        raise bad_request("Error: Timed Out")
    if failed is not None:
        raise ApiError(failed.status, "Internal server error")


def _context(instance: Instance, body: Mapping[str, Any]) -> dict[str, Any]:
    family, quoted = instance.bodies.version.family, body.get("quoted")
    context = {
        **EMPTY_CONTEXT,
        "ephemeralSettingTimestamp": encode_int(family, int(time.time()) - 86_400, unsigned=False),
        "disappearingMode": {"initiator": encode_enum(family, ("CHANGED_IN_CHAT", 0))},
    }
    if body.get("mentioned"):
        context["mentionedJid"] = [to_jid(str(number)) for number in body["mentioned"]]
    wa_id = (quoted.get("key") or {}).get("id") if isinstance(quoted, dict) else None
    stored = instance.messages.get(str(wa_id))
    # Without the quoted message in its database Evolution drops the quote in silence.
    return context | instance.bodies.quote(stored.data) if stored else context


def _record(
    call: Call, operation: str, number: str, data: dict[str, Any], *, answered: bool, shown: bool
) -> None:
    body = call.body
    text = body.get("text") or body.get("caption") or body.get("name") or body.get("title") or ""
    call.sim.journal.accepted(
        instance=call.instance.name,
        operation=operation,
        number=number,
        jid=data["key"]["remoteJid"],
        message_id=data["key"]["id"],
        message_type=data["messageType"],
        text=str(text),
        answered=answered,
        shown=shown,
        request={name: part for name, part in body.items() if name not in JOURNAL_LEAVES_OUT},
    )


def _tell(sim: Simulator, instance: Instance, data: dict[str, Any], *, shown: bool) -> None:
    """The echo may overtake the HTTP answer; receipts follow unless somebody is offline."""
    sim.emit(instance, "send.message", data)
    key = data["key"]
    if not shown:
        return
    if key["remoteJid"].endswith(("@g.us", "@broadcast")) or sim.faults.strike(
        FaultKind.NO_RECEIPTS, instance.name
    ):
        return
    if sim.faults.strike(FaultKind.FAILED_RECEIPT, instance.name):
        _receipt_later(sim, instance, key, "ERROR", 1.0)
        return
    for status, seconds in RECEIPTS:
        _receipt_later(sim, instance, key, status, seconds * (0.6 + sim.die.random()))
    sim.customer_may_answer(instance, data)


def _receipt_later(
    sim: Simulator, instance: Instance, key: dict[str, Any], status: str, seconds: float
) -> None:
    def post() -> None:
        data = instance.bodies.status_update(key, status)
        sim.post(instance, instance.bodies.envelope("messages.update", data, time.time()))

    sim.later(seconds, post)


def _meta_error() -> dict[str, Any]:
    return {
        "message": "(#131047) Re-engagement message",
        "type": "OAuthException",
        "code": 131047,
        "error_data": {
            "messaging_product": "whatsapp",
            "details": "Message failed to send because more than 24 hours have passed "
            "since the customer last replied to this number.",
        },
        "fbtrace_id": "AbCdEfGhIjKlMnOpQrStUv",
    }


@routes.add("POST", "/message/sendText/{instance}")
async def send_text(call: Call) -> Answer:
    body = rules.check(call.body, COMMON | {"text": "string"})
    return await send(
        call, "sendText", ("conversation", {"conversation": body["text"]}), body["number"]
    )


@routes.add("POST", "/message/sendLocation/{instance}")
async def send_location(call: Call) -> Answer:
    rule = COMMON | {
        "latitude": "number",
        "longitude": "number",
        "name": "string",
        "address": "string",
    }
    body = rules.check(call.body, rule)
    place = {
        "degreesLatitude": body["latitude"],
        "degreesLongitude": body["longitude"],
        "name": body["name"],
        "address": body["address"],
    }
    content = ("locationMessage", {"locationMessage": place})
    return await send(call, "sendLocation", content, body["number"])


@routes.add("POST", "/message/sendContact/{instance}")
async def send_contact(call: Call) -> Answer:
    body = rules.check(call.body, COMMON | {"contact": "array"})
    cards = [
        rules.check(card, {"fullName": "string", "phoneNumber": "string"}, f"instance.contact[{n}]")
        for n, card in enumerate(body["contact"])
    ]
    if not cards:
        raise invalid("instance.contact does not meet minimum length of 1")
    contents = call.instance.bodies.contents
    made = [contents.contact(card["fullName"], card["phoneNumber"]) for card in cards]
    if len(made) == 1:
        return await send(call, "sendContact", made[0], body["number"])
    listed = [content[1]["contactMessage"] for content in made]
    several = {"displayName": f"{len(listed)} contatos", "contacts": listed}
    content = ("contactsArrayMessage", {"contactsArrayMessage": several})
    return await send(call, "sendContact", content, body["number"])


@routes.add("POST", "/message/sendReaction/{instance}")
async def send_reaction(call: Call) -> Answer:
    body = rules.check(call.body, {"key": "object", "reaction": "?string"})
    if "reaction" not in body:
        raise invalid('instance requires property "reaction"')
    key = rules.check(
        body["key"], {"id": "string", "remoteJid": "string", "fromMe": "boolean"}, "instance.key"
    )
    content = call.instance.bodies.contents.reaction(dict(key), body["reaction"], time.time())
    return await send(call, "sendReaction", content, key["remoteJid"])


@routes.add("POST", "/message/sendPoll/{instance}", baileys_only=True)
async def send_poll(call: Call) -> Answer:
    body = rules.check(
        call.body, COMMON | {"name": "string", "selectableCount": "integer", "values": "array"}
    )
    values = [str(value) for value in body["values"]]
    if not 2 <= len(values) <= 10:
        edge = "minimum length of 2" if len(values) < 2 else "maximum length of 10"
        raise invalid(f"instance.values does not meet {edge}")
    if len(set(values)) != len(values):
        raise invalid("instance.values contains duplicate item")
    content = call.instance.bodies.contents.poll(body["name"], values, body["selectableCount"])
    return await send(call, "sendPoll", content, body["number"])
