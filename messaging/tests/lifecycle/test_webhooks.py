"""Our webhook on an instance: looked after, repaired, and its token changed without a loss."""

import pytest

from evosense.core.crypto import token_digest
from evosense.core.errors import Conflict
from messaging.gateway.client.evolution import Evolution
from messaging.models import Connection
from messaging.services import lifecycle
from messaging.services.connections import create_connection
from messaging.services.lifecycle import ServerRefused
from messaging.tests.lifecycle.rig import HEADER, KEY, row_of
from tenancy.models import AuditEntry
from tenancy.services import routes


@pytest.fixture
def line(world) -> Connection:
    made = lifecycle.create_instance(name="loja", number="5511900004200")
    lifecycle.start_pairing(made.public_id)
    world.sim("pair", instance=made.instance)
    return world.until_state(made, "connected")


def hook_of(world, line):
    return world.call("GET", f"/webhook/find/{line.instance}")


def set_hook(world, line, **over):
    hook = hook_of(world, line)
    body = {
        "enabled": True,
        "url": hook["url"],
        "headers": hook["headers"],
        "events": hook["events"],
        **over,
    }
    world.call("POST", f"/webhook/set/{line.instance}", {"webhook": body})


def writes(world, line, count=1):
    """Let the simulated phone get messages; every webhook must be taken."""
    before = len(world.inbox)
    for _ in range(count):
        world.sim("emit", instance=line.instance, kind="text")
    world.until(lambda: len(world.inbox) >= before + count)
    assert {one.status for one in world.inbox[before:]} == {200}


def test_webhook_in_order_is_left_alone(world, line):
    before = hook_of(world, line)
    assert lifecycle.verify_webhook(line.public_id).webhook_state == "ok"
    assert hook_of(world, line) == before
    assert row_of(line).webhook_checked_at is not None


@pytest.mark.parametrize(
    "over",
    [
        {"url": "https://crm.example/hook"},
        {"events": ["MESSAGES_UPSERT"]},
        {"events": []},
        {"byEvents": True},
        {"base64": True},
        {"enabled": False},
        {"headers": {}},
        {"headers": {HEADER: "x" * 43}},
    ],
)
def test_whatever_was_changed_is_repaired(world, line, over):
    wanted = hook_of(world, line)
    set_hook(world, line, **over)
    assert lifecycle.verify_webhook(line.public_id).webhook_state == "repaired"
    found = hook_of(world, line)
    kept = ("url", "events", "enabled", "webhookByEvents", "webhookBase64")
    assert {name: found[name] for name in kept} == {name: wanted[name] for name in kept}
    is_token_lost = "headers" in over
    assert (found["headers"] == wanted["headers"]) is not is_token_lost
    writes(world, line)
    assert lifecycle.verify_webhook(line.public_id).webhook_state == "ok"
    assert AuditEntry.objects.filter(action="connection.webhook_repaired").count() == 1


def test_repair_keeps_what_retries_still_carry(world, line):
    """A repair for another reason must not shut out the token that is in use."""
    before = hook_of(world, line)["headers"][HEADER]
    set_hook(world, line, events=["MESSAGES_UPSERT"])
    lifecycle.verify_webhook(line.public_id)
    assert token_digest(before) in routes.accepted_tokens(route_id=line.public_id)


def test_rotation_loses_nothing(world, line):
    old = hook_of(world, line)["headers"][HEADER]
    lifecycle.rotate_webhook(line.public_id)
    new = hook_of(world, line)["headers"][HEADER]
    assert new != old
    current, other = routes.accepted_tokens(route_id=line.public_id)
    assert (current, other) == (token_digest(new), token_digest(old))
    writes(world, line, 3)
    lifecycle.rotate_webhook(line.public_id)
    writes(world, line, 3)


@pytest.mark.parametrize("step", ["before", "after"])
def test_rotation_that_dies_half_way_keeps_the_token_in_use(world, line, monkeypatch, step):
    real = Evolution.set_webhook

    def die(self, *arguments, **options):
        if step == "after":
            real(self, *arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(Evolution, "set_webhook", die)
    # Two failures in a row must not push the token in use out either.
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            lifecycle.rotate_webhook(line.public_id)
        writes(world, line)
    monkeypatch.setattr(Evolution, "set_webhook", real)
    assert lifecycle.verify_webhook(line.public_id).webhook_state == "ok"
    used = token_digest(hook_of(world, line)["headers"][HEADER])
    assert routes.accepted_tokens(route_id=line.public_id)[0] == used
    lifecycle.rotate_webhook(line.public_id)
    writes(world, line)


def test_refused_rotation_changes_nothing(world, line):
    before = hook_of(world, line)
    world.sim("faults", kind="5xx", status=500, count=1, path="/webhook")
    with pytest.raises(ServerRefused):
        lifecycle.rotate_webhook(line.public_id)
    assert hook_of(world, line) == before
    writes(world, line)


def test_server_that_does_not_answer_is_noted(world, line):
    world.sim("faults", kind="5xx", status=502, count=1)
    assert lifecycle.verify_webhook(line.public_id).webhook_state == "unreachable"


def test_instances_of_others_are_only_looked_at(world):
    world.call(
        "POST",
        "/instance/create",
        {
            "instanceName": "alheia",
            "integration": "WHATSAPP-BAILEYS",
            "webhook": {"url": "https://crm.example/hook", "events": []},
        },
    )
    made = create_connection(name="mão", instance="alheia", server_url=world.url, api_key=KEY)
    lifecycle.start_pairing(made.connection.public_id)
    public_id = made.connection.public_id
    assert lifecycle.verify_webhook(public_id).webhook_state == "foreign"
    set_hook(world, made.connection, url=f"{made.webhook_url}/{made.token}")
    assert lifecycle.verify_webhook(public_id).webhook_state == "ok"
    with pytest.raises(Conflict) as refusal:
        lifecycle.rotate_webhook(public_id)
    assert refusal.value.code == "by_hand"
