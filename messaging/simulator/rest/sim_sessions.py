"""`/_sim/…` about sessions: pairing and its outcomes, cuts, the licence."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from messaging.simulator import rules
from messaging.simulator.errors import bad_request
from messaging.simulator.pairing import Plan
from messaging.simulator.rest.call import Answer, Call, Guard, routes
from messaging.simulator.sessions import CONNECTION_CLOSED, How

if TYPE_CHECKING:
    from messaging.simulator.store import Instance

Word = TypeVar("Word", bound=StrEnum)


class Outcome(StrEnum):
    """What becomes of a pairing that waits."""

    SCAN = "scan"
    EXPIRE = "expire"
    REFUSE = "refuse"
    BAN = "ban"


@routes.add("GET", "/_sim/instances", Guard.OPEN)
async def instances(call: Call) -> Answer:
    return Answer([_shown(instance) for instance in call.sim.store.instances.values()])


@routes.add("POST", "/_sim/pair", Guard.OPEN)
async def pair(call: Call) -> Answer:
    body = rules.check(call.body, {"instance": "string", "number": "?string"}, "pair")
    instance = call.sim.store.get(body["instance"])
    call.sim.pairing.scan(instance, body.get("number"))
    return Answer(_shown(instance), 201)


@routes.add("POST", "/_sim/pairing", Guard.OPEN)
async def pairing(call: Call) -> Answer:
    """An outcome of the pairing that waits now, or a plan for the connects that follow."""
    rule: rules.Rule = {
        "instance": "string",
        "outcome": "?string",
        "number": "?string",
        "plan": "?string",
        "times": "?integer",
    }
    body = rules.check(call.body, rule, "pairing")
    instance = call.sim.store.get(body["instance"])
    if "plan" in body:
        call.sim.pairing.plan(instance, _word(Plan, body["plan"]), body.get("times"))
    if "outcome" in body:
        _come_out(call, instance, _word(Outcome, body["outcome"]))
    return Answer(_shown(instance), 201)


def _come_out(call: Call, instance: Instance, outcome: Outcome) -> None:
    doing = call.sim.pairing
    if outcome is Outcome.SCAN:
        doing.scan(instance, call.body.get("number"))
    elif outcome is Outcome.BAN:
        doing.ban(instance)
    elif outcome is Outcome.REFUSE:
        doing.refuse(instance)
    else:
        for _ in range(max(int(call.body.get("times", 1)), 1)):
            doing.refresh(instance)


@routes.add("POST", "/_sim/cut", Guard.OPEN)
async def cut(call: Call) -> Answer:
    """Without an instance `down` takes the whole server."""
    rule: rules.Rule = {"instance": "?string", "how": "string", "code": "?integer"}
    body = rules.check(call.body, rule, "cut")
    how = _word(How, body["how"])
    if not body.get("instance"):
        if how is not How.DOWN:
            raise bad_request("cut.instance is needed unless the whole server goes down")
        call.sim.is_down = True
        return Answer({"down": True}, 201)
    instance = call.sim.store.get(body["instance"])
    refuse, reason = body.get("refuse", 0), int(body.get("code", CONNECTION_CLOSED))
    call.sim.sessions.cut(
        instance, how, refuse=None if refuse is None else int(refuse), reason=reason
    )
    return Answer(_shown(instance), 201)


@routes.add("POST", "/_sim/heal", Guard.OPEN)
async def heal(call: Call) -> Answer:
    body = rules.check(call.body, {"instance": "?string"}, "heal")
    call.sim.is_down = False
    if not body.get("instance"):
        for instance in call.sim.store.instances.values():
            call.sim.sessions.heal(instance)
        return Answer({"down": False}, 201)
    instance = call.sim.store.get(body["instance"])
    call.sim.sessions.heal(instance)
    return Answer(_shown(instance), 201)


@routes.add("POST", "/_sim/license", Guard.OPEN)
async def license_server(call: Call) -> Answer:
    body = rules.check(call.body, {"active": "boolean"}, "license")
    call.sim.is_licensed = body["active"]
    return Answer({"active": call.sim.is_licensed}, 201)


def _shown(instance: Instance) -> dict[str, Any]:
    return {
        "instance": instance.name,
        "state": instance.state,
        "number": instance.line.number,
        "cut": instance.cut.how if instance.cut else "",
        "codes": instance.pairing.count,
        "code": instance.pairing.shown,
        "settings": instance.settings,
    }


def _word(kind: type[Word], given: str) -> Word:
    try:
        return kind(given)
    except ValueError:
        known = ", ".join(kind)
        raise bad_request(f"{given} is not known; known: {known}") from None
