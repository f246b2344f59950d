import json

import pytest
from django.core.management import CommandError, call_command

from evosense.core.crypto import token_digest
from evosense.core.errors import Conflict, Invalid, NotFound
from messaging.models import Connection
from messaging.selectors.raw_events import raw_event
from messaging.services import connections, lane_control
from messaging.services.lifecycle import remove
from messaging.tests.factories import make_connection, make_new_connection
from tenancy.models import WebhookRoute


def route_of(connection):
    return WebhookRoute.objects.get(pk=connection.public_id)


def test_connection_and_route_are_made_together(tenant):
    made = connections.create_connection(
        name=" loja ",
        instance="evs-1",
        server_url="https://evo.example/",
        api_key="segredo",
        number="+55 (11) 90000-1234",
    )
    stored = Connection.objects.get()
    assert (stored.name, stored.server_url, stored.number) == (
        "loja",
        "https://evo.example",
        "5511900001234",
    )
    assert stored.api_key == "segredo"
    route = route_of(stored)
    assert bytes(route.token_hash) == token_digest(made.token)
    assert (route.tenant_id, route.instance) == (tenant.id, "evs-1")
    assert made.webhook_url.endswith(f"/hooks/evo/{stored.public_id}")


@pytest.mark.parametrize(
    ("over", "field"), [({"name": "LOJA"}, "name"), ({"instance": "evs-1"}, "instance")]
)
def test_taken_name_leaves_no_route_behind(tenant, over, field):
    make_connection(name="loja", instance="evs-1")
    with pytest.raises(Conflict) as refusal:
        connections.create_connection(**{"name": "outra", "instance": "evs-2", **over})
    assert refusal.value.field == field
    assert WebhookRoute.objects.filter(tenant_id=tenant.id).count() == 1


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"instance": "x" * 121}, "instance"),
        ({"server_url": "evo"}, "server_url"),
        ({"server_url": f"https://e.example/{'x' * 300}"}, "server_url"),
        ({"api_key": "a\x00"}, "api_key"),
        ({"number": "12"}, "number"),
    ],
)
def test_bad_value_names_its_field(tenant, over, field):
    with pytest.raises(Invalid) as refusal:
        connections.create_connection(**{"name": "a", "instance": "b", **over})
    assert refusal.value.field == field


def test_rotation_keeps_the_token_before(tenant):
    first = make_new_connection()
    second = connections.rotate_token(first.connection.public_id)
    route = route_of(first.connection)
    assert bytes(route.token_hash) == token_digest(second.token)
    assert bytes(route.previous_token_hash) == token_digest(first.token)


def test_connection_can_be_closed_and_renamed(tenant):
    connection = make_connection()
    connections.set_active(connection.public_id, is_active=False)
    assert not route_of(connection).is_active
    connections.set_active(connection.public_id, is_active=True)
    assert route_of(connection).is_active
    assert connections.rename_connection(connection.public_id, name="filial").name == "filial"
    make_connection(name="centro")
    with pytest.raises(Conflict):
        connections.rename_connection(connection.public_id, name="Centro")


@pytest.mark.parametrize(
    "act",
    [
        lambda pk: connections.set_active(pk, is_active=True),
        lambda pk: connections.rename_connection(pk, name="nova"),
        connections.rotate_token,
        connections.send_test_event,
        lane_control.pause_sending,
        lane_control.resume_sending,
    ],
)
def test_a_removed_connection_is_left_as_it_is(tenant, act):
    connection = make_connection()
    remove(connection.public_id)
    with pytest.raises(NotFound):
        act(connection.public_id)
    connection.refresh_from_db()
    assert not connection.is_active
    assert not route_of(connection).is_active


def test_test_event_waits_in_the_raw_log(tenant):
    connection = make_connection()
    event = connections.send_test_event(connection.public_id)
    detail = raw_event(connection.public_id, event)
    assert (detail.row.event, detail.row.status) == ("evosense.test", "pending")
    assert detail.body["instance"] == connection.instance


def test_command_prints_one_json_object(tenant, capsys, monkeypatch):
    monkeypatch.setenv("EVO_KEY", "segredo")
    arguments = ("--tenant", "alpha", "--name", "loja", "--instance", "evs-1")
    call_command("connection_create", *arguments, "--api-key-env", "EVO_KEY")
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"id", "webhook_url", "webhook_token"}
    stored = Connection.objects.get(public_id=printed["id"])
    assert stored.api_key == "segredo"
    assert bytes(route_of(stored).token_hash) == token_digest(printed["webhook_token"])
    with pytest.raises(CommandError, match="name: "):
        call_command("connection_create", *arguments[:-1], "evs-2")
    with pytest.raises(CommandError, match="NOT_SET"):
        call_command("connection_create", *arguments, "--api-key-env", "NOT_SET")
