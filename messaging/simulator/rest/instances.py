"""Life of an instance: create, pair, look, restart, log out, delete; settings and webhook."""

from __future__ import annotations

import time
from typing import Any

from messaging.simulator import rules
from messaging.simulator.errors import ApiError, bad_request, invalid
from messaging.simulator.pairing import FAILED
from messaging.simulator.rest.call import Answer, Call, Guard, routes
from messaging.simulator.store import INTEGRATIONS, Instance, Webhook, invented_line
from messaging.simulator.versions import behaviour

SETTING_RULE: rules.Rule = {
    "rejectCall": "boolean",
    "groupsIgnore": "boolean",
    "alwaysOnline": "boolean",
    "readMessages": "boolean",
    "readStatus": "boolean",
    "syncFullHistory": "boolean",
    "msgCall": "?string",
    "wavoipToken": "?string",
}


@routes.add("GET", "/", Guard.OPEN)
async def welcome(call: Call) -> Answer:
    return Answer(
        {
            "status": 200,
            "message": "Welcome to the Evolution API, it is working!",
            "version": call.sim.options.version,
            "clientName": "evolution",
            "manager": "http://localhost/manager",
            "documentation": "https://doc.evolution-api.com",
            "whatsappWebVersion": "2.3000.1029000000",
        }
    )


@routes.add("POST", "/instance/create", Guard.GLOBAL)
async def create(call: Call) -> Answer:
    body = rules.check(call.body, {"instanceName": "string", "token": "?string"})
    name = body["instanceName"]
    if body.get("integration") not in INTEGRATIONS:
        raise bad_request("Invalid integration")
    hook = _webhook(call, body["webhook"], created=True) if "webhook" in body else None
    instance = call.sim.store.create(
        name,
        token=str(body.get("token") or ""),
        integration=body["integration"],
        line=call.sim.lines.get(name) or invented_line(name, str(body.get("number") or "")),
    )
    instance.webhook = hook
    instance.settings |= {key: body[key] for key in instance.settings if key in body}
    call.sim.emit(instance, "instance.create", {"instanceName": name, "instanceId": instance.id})
    answer = _created(instance)
    if body.get("qrcode"):
        await call.sim.sleep(5)
        answer["qrcode"] = await call.sim.pairing.connect(instance, body.get("number"))
        answer["instance"]["status"] = "connecting"
    return Answer(answer, 201)


def _created(instance: Instance) -> dict[str, Any]:
    hook = instance.webhook
    answer: dict[str, Any] = {
        "instance": {
            "instanceName": instance.name,
            "instanceId": instance.id,
            "integration": instance.integration,
            "webhookWaBusiness": None,
            "accessTokenWaBusiness": "",
            "status": instance.state or "close",
        },
        "hash": instance.token,
        "webhook": {},
    }
    if hook is not None:
        answer["webhook"] = {
            "webhookUrl": hook.url,
            "webhookHeaders": hook.headers,
            "webhookByEvents": hook.by_events,
            "webhookBase64": hook.base64,
        }
    empty: dict[str, Any] = {name: {} for name in ("websocket", "rabbitmq", "nats", "sqs")}
    return answer | empty | {"settings": dict(instance.settings)}


def _webhook(call: Call, wanted: Any, *, created: bool = False) -> Webhook:
    wanted = rules.check(wanted, {"url": "string", "enabled": "?boolean"}, "instance.webhook")
    if not isinstance(wanted.get("events"), list):
        message = "Cannot read properties of undefined (reading 'length')"
        raise bad_request(message) if created else ApiError(500, message)
    known = behaviour(call.sim.options.version).events
    for event in wanted["events"]:
        if event not in known:
            raise invalid(
                f"instance.webhook.events[0] is not one of enum values: {','.join(known)}"
            )
    enabled = True if created else bool(wanted.get("enabled"))
    chosen = tuple(wanted["events"]) or known
    return Webhook(
        url=wanted["url"],
        headers={str(key): str(text) for key, text in (wanted.get("headers") or {}).items()},
        events=chosen if enabled else (),
        by_events=bool(wanted.get("byEvents")),
        base64=bool(wanted.get("base64")),
        enabled=enabled,
    )


@routes.add("GET", "/instance/connect/{instance}")
async def connect(call: Call) -> Answer:
    return Answer(await call.sim.pairing.connect(call.instance, call.query.get("number")))


@routes.add("GET", "/instance/connectionState/{instance}")
async def connection_state(call: Call) -> Answer:
    shown = {"instanceName": call.instance.name}
    if call.instance.state is not None:
        shown["state"] = call.instance.state
    return Answer({"instance": shown})


@routes.add("GET", "/instance/fetchInstances", Guard.ANY_KEY)
async def fetch_instances(call: Call) -> Answer:
    found = list(call.sim.store.instances.values())
    if call.key != call.sim.options.global_key:
        found = [instance for instance in found if instance.token == call.key]
    name, wanted_id = call.query.get("instanceName"), call.query.get("instanceId")
    number = call.query.get("number")
    if name or wanted_id or number:
        found = [
            instance
            for instance in found
            if (name and instance.name == name)
            or (wanted_id and instance.id == wanted_id)
            or (number and instance.line.number == number)
        ]
        if not found:
            raise ApiError(404, [f'Instance "{name or wanted_id or number}" not found'])
    return Answer([instance.row() for instance in found])


@routes.add("POST", "/instance/restart/{instance}")
async def restart(call: Call) -> Answer:
    instance = call.instance
    if instance.state in {None, "close"}:
        return Answer(dict(FAILED))
    if instance.has_credentials:
        call.sim.sessions.restart(instance)
    return Answer({"instance": {"instanceName": instance.name, "status": "open"}})


@routes.add("DELETE", "/instance/logout/{instance}")
async def logout(call: Call) -> Answer:
    instance = call.instance
    if instance.state not in {None, "close"}:
        call.sim.pairing.forget(instance)
        call.sim.sessions.end(instance, 401)
    elif not instance.bodies.version.logout_is_idempotent:
        raise bad_request(f'The "{instance.name}" instance is not connected')
    instance.has_credentials = False
    return _done("Instance logged out")


@routes.add("DELETE", "/instance/delete/{instance}")
async def delete(call: Call) -> Answer:
    instance = call.instance
    if instance.state == "open":
        call.sim.sessions.end(instance, 401)
    call.sim.pairing.forget(instance)
    call.sim.emit(instance, "remove.instance", None)
    call.sim.store.instances.pop(instance.name, None)
    return _done("Instance deleted")


def _done(message: str) -> Answer:
    return Answer({"status": "SUCCESS", "error": False, "response": {"message": message}})


@routes.add("POST", "/instance/setPresence/{instance}", baileys_only=True)
async def set_presence(call: Call) -> Answer:
    body = rules.check(call.body, {"presence": "string"})
    if body["presence"] not in {"available", "unavailable"}:
        raise invalid("instance.presence is not one of enum values: unavailable,available")
    return Answer({"presence": body["presence"]}, 201)


@routes.add("POST", "/settings/set/{instance}")
async def set_settings(call: Call) -> Answer:
    body = rules.check(call.body, SETTING_RULE)
    call.instance.settings |= {name: body[name] for name in SETTING_RULE if name in body}
    call.instance.updated = time.time()
    shown = {"instanceName": call.instance.name, "settings": dict(call.instance.settings)}
    return Answer({"settings": shown}, 201)


@routes.add("GET", "/settings/find/{instance}")
async def find_settings(call: Call) -> Answer:
    return Answer(dict(call.instance.settings))


@routes.add("POST", "/webhook/set/{instance}")
async def set_webhook(call: Call) -> Answer:
    body = rules.check(call.body, {"webhook": "object"})
    rules.check(body["webhook"], {"url": "string", "enabled": "boolean"}, "instance.webhook")
    call.instance.webhook = _webhook(call, body["webhook"])
    return Answer(call.instance.webhook_row(), 201)


@routes.add("GET", "/webhook/find/{instance}")
async def find_webhook(call: Call) -> Answer:
    return Answer(call.instance.webhook_row())
