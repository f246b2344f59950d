"""`/_sim/…`: what a test or a demonstration may ask of the simulator itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from messaging.simulator import rules
from messaging.simulator.errors import bad_request
from messaging.simulator.rest.call import Answer, Call, Guard, routes
from messaging.simulator.traffic import make_scene

if TYPE_CHECKING:
    from messaging.simulator.store import Instance

MOST_SCENES = 5_000
ENDINGS = {"logout": 401, "ban": 403, "blocked": 402}


@routes.add("GET", "/_sim/journal", Guard.OPEN)
async def journal(call: Call) -> Answer:
    after = int(call.query.get("after") or 0)
    return Answer(call.sim.journal.shown(instance=call.query.get("instance", ""), after=after))


@routes.add("DELETE", "/_sim/journal", Guard.OPEN)
async def clear_journal(call: Call) -> Answer:
    call.sim.journal.clear()
    return Answer({})


@routes.add("GET", "/_sim/faults", Guard.OPEN)
async def faults(call: Call) -> Answer:
    return Answer(call.sim.faults.listed())


@routes.add("POST", "/_sim/faults", Guard.OPEN)
async def add_fault(call: Call) -> Answer:
    body = rules.check(call.body, {"kind": "string", "instance": "?string"}, "fault")
    if body["kind"] in ENDINGS:
        instance = call.sim.store.get(body.get("instance") or "")
        call.sim.sessions.end(instance, ENDINGS[body["kind"]])
        return Answer({"instance": instance.name, "state": instance.state}, 201)
    return Answer(asdict(call.sim.faults.add(dict(body))), 201)


@routes.add("DELETE", "/_sim/faults", Guard.OPEN)
async def clear_faults(call: Call) -> Answer:
    wanted = call.query.get("id")
    call.sim.faults.clear(int(wanted) if wanted else None)
    return Answer({})


@routes.add("GET", "/_sim/traffic", Guard.OPEN)
async def traffic(call: Call) -> Answer:
    return Answer(call.sim.traffic.shown())


@routes.add("POST", "/_sim/traffic", Guard.OPEN)
async def set_traffic(call: Call) -> Answer:
    body = rules.check(call.body, {"running": "?boolean", "rate": "?number"}, "traffic")
    if "rate" in body:
        call.sim.traffic.rate = max(float(body["rate"]), 0.0)
    if body.get("running", True):
        call.sim.traffic.start()
    else:
        call.sim.traffic.stop()
    return Answer(call.sim.traffic.shown(), 201)


@routes.add("POST", "/_sim/emit", Guard.OPEN)
async def emit(call: Call) -> Answer:
    """One given event (`event` with `data`), or scenes by their kind."""
    body = rules.check(call.body, {"instance": "string", "event": "?string"}, "emit")
    instance = call.sim.store.get(body["instance"])
    if body.get("event"):
        envelope: dict[str, Any] = instance.bodies.envelope(
            body["event"], body.get("data"), call.sim.now()
        )
        call.sim.post(instance, envelope | (body.get("envelope") or {}))
        return Answer({"emitted": 1}, 201)
    posted = _scenes(call, instance, dict(body))
    for envelope in posted:
        if body.get("quiet"):
            call.sim.remember(instance, envelope)
        else:
            call.sim.post(instance, envelope)
    ids = [_message_id(envelope) for envelope in posted]
    return Answer({"emitted": len(posted), "ids": [one for one in ids if one]}, 201)


def _scenes(call: Call, instance: Instance, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """`count` scenes from `chats` people in turn, each written `every` seconds before the last."""
    first, ago = int(wanted.get("chat", 0)), float(wanted.get("ago", 0))
    chats, every = max(int(wanted.get("chats", 1)), 1), float(wanted.get("every", 0))
    found: list[dict[str, Any]] = []
    try:
        for number in range(min(int(wanted.get("count", 1)), MOST_SCENES)):
            one = wanted | {"chat": first + number % chats, "ago": ago + number * every}
            found += [envelope for _, envelope in make_scene(call.sim, instance, one)]
    except (KeyError, ValueError) as error:
        raise bad_request(f"unknown scene: {error}") from None
    return found


def _message_id(envelope: dict[str, Any]) -> str:
    data = envelope["data"]
    key = data.get("key") if isinstance(data, dict) else None
    return str(key["id"]) if isinstance(key, dict) and "id" in key else ""
