"""Making connections on a server, taking instances over, and what a crash leaves."""

import pytest

from evosense.core.crypto import token_digest
from evosense.core.errors import Conflict, Invalid, NotAllowed
from evosense.core.schema import public_scope, tenant_scope
from messaging.gateway import servers
from messaging.gateway.client.evolution import Evolution
from messaging.gateway.models import EvolutionServer, Lane
from messaging.gateway.probes import probe_server
from messaging.models import Connection
from messaging.services import lifecycle
from messaging.services.lifecycle import InstanceSettings, ServerRefused
from messaging.tests.lifecycle.rig import HEADER, KEY, row_of
from tenancy.models import AuditEntry, WebhookRoute

NUMBER = "5511900004200"


def hook_of(world, connection):
    return world.call("GET", f"/webhook/find/{connection.instance}")


def test_connection_is_made_with_its_instance_and_webhook(world, tenant):
    settings = InstanceSettings(groups_ignore=False, reject_call=True, call_text="Escreva")
    made = lifecycle.create_instance(name="loja", number=NUMBER, settings=settings)
    stored = row_of(made)
    assert stored.instance.startswith(f"evs-{tenant.slug}-")
    assert (stored.is_managed, stored.is_default, stored.wants_session) == (True, True, False)
    assert stored.webhook_state == "ok"
    (there,) = world.call("GET", "/instance/fetchInstances")
    assert (there["id"], there["token"]) == (stored.instance_id, stored.api_key)
    assert there["Setting"]["rejectCall"] is True
    hook = hook_of(world, stored)
    assert hook["url"].endswith(f"/hooks/evo/{stored.public_id}")
    assert (hook["webhookByEvents"], hook["webhookBase64"]) == (False, False)
    assert len(hook["events"]) == 12
    route = WebhookRoute.objects.get(pk=stored.public_id)
    assert token_digest(hook["headers"][HEADER]) == bytes(route.token_hash)
    lane = Lane.objects.get(pk=stored.public_id)
    assert lane.server_id == world.server_id
    assert not world.inbox


def test_names_of_instances_are_ours_and_never_the_same(world):
    names = {lifecycle.create_instance(name=f"loja {n}").instance for n in range(3)}
    assert len(names) == 3
    assert [one.is_default for one in Connection.objects.order_by("pk")] == [True, False, False]


@pytest.mark.parametrize("step", ["before", "after"])
def test_creation_that_was_cut_short_is_completed_by_repeating(world, monkeypatch, step):
    real = Evolution.create_instance

    def die(self, *arguments, **options):
        if step == "after":
            real(self, *arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(Evolution, "create_instance", die)
    with pytest.raises(KeyboardInterrupt):
        lifecycle.create_instance(name="loja", number=NUMBER)
    left = Connection.objects.get()
    assert left.instance_id == ""
    monkeypatch.setattr(Evolution, "create_instance", real)
    made = lifecycle.create_instance(name="Loja", number=NUMBER)
    assert made.pk == left.pk
    (there,) = world.call("GET", "/instance/fetchInstances")
    assert (there["name"], there["id"]) == (made.instance, row_of(made).instance_id)
    lifecycle.start_pairing(made.public_id)
    world.sim("pair", instance=made.instance)
    assert world.until_state(made, "connected").number == NUMBER
    assert {one.status for one in world.inbox} == {200}


def test_pairing_completes_a_creation_too(world):
    probe_server(world.server_id)
    world.sim("faults", kind="5xx", status=500, count=1)
    with pytest.raises(ServerRefused) as refusal:
        lifecycle.create_instance(name="loja")
    assert (refusal.value.code, refusal.value.is_certain) == ("server_error", False)
    left = Connection.objects.get()
    assert left.last_error == "server_error"
    assert lifecycle.pairing_view(left.public_id).state == "server_down"
    view = lifecycle.start_pairing(left.public_id)
    assert (view.state, view.count) == ("waiting", 1)
    assert row_of(left).instance_id


def test_what_the_server_surely_refused_leaves_nothing(world):
    servers.update_server(world.server_id, name="casa", url=world.url, api_key="wrong")
    with pytest.raises(ServerRefused) as refusal:
        lifecycle.create_instance(name="loja")
    assert (refusal.value.code, refusal.value.is_certain) == ("unauthorized", True)
    assert not Connection.objects.exists()
    assert not WebhookRoute.objects.exists()
    assert not Lane.objects.exists()


@pytest.mark.parametrize(
    ("over", "field"),
    [({"name": " "}, "name"), ({"name": "a", "number": "12"}, "number")],
)
def test_bad_values_never_reach_the_server(world, over, field):
    with pytest.raises(Invalid) as refusal:
        lifecycle.create_instance(**over)
    assert refusal.value.field == field
    assert not world.call("GET", "/instance/fetchInstances")


def test_taken_name_is_refused_before_the_server_is_asked(world):
    lifecycle.create_instance(name="loja")
    with pytest.raises(Conflict) as refusal:
        lifecycle.create_instance(name="LOJA")
    assert refusal.value.field == "name"
    assert len(world.call("GET", "/instance/fetchInstances")) == 1


def test_without_a_server_the_form_says_so(tenant):
    with pytest.raises(Invalid) as refusal:
        lifecycle.create_instance(name="loja")
    assert refusal.value.field == "server_id"


def there_already(world, name="velha", number=NUMBER, **hook):
    body = {"instanceName": name, "integration": "WHATSAPP-BAILEYS", "token": f"token-{name}"}
    if hook:
        body["webhook"] = {"events": [], **hook}
    world.call("POST", "/instance/create", body)
    world.call("GET", f"/instance/connect/{name}")
    world.sim("pair", instance=name, number=number)


def test_instance_is_taken_over_as_it_is(world):
    there_already(world)
    made = lifecycle.adopt_instance(
        server_id=world.server_id, instance_name="velha", name="loja", number="11 90000-4200"
    )
    assert (made.state, made.number, made.wants_session) == ("connected", NUMBER, True)
    assert (made.api_key, made.is_managed, made.webhook_state) == ("token-velha", True, "repaired")
    assert made.connected_at is not None
    world.sim("emit", instance="velha", kind="text")
    world.until(lambda: row_of(made).last_inbound_at or row_of(made).last_event_at)
    assert {one.status for one in world.inbox} == {200}
    with pytest.raises(Conflict) as refusal:
        lifecycle.adopt_instance(server_id=world.server_id, instance_name="velha", name="x")
    assert refusal.value.code == "instance_taken"


def test_other_number_or_missing_instance_is_refused(world):
    there_already(world)
    with pytest.raises(Invalid) as refusal:
        lifecycle.adopt_instance(
            server_id=world.server_id, instance_name="velha", name="x", number="5521900001111"
        )
    assert refusal.value.code == "other_number"
    with pytest.raises(Invalid) as refusal:
        lifecycle.adopt_instance(server_id=world.server_id, instance_name="nada", name="x")
    assert refusal.value.field == "instance"
    assert not Connection.objects.exists()


def test_events_that_go_elsewhere_are_not_taken_away_by_accident(world):
    there_already(world, url="https://crm.example/hook")
    options = {"server_id": world.server_id, "instance_name": "velha", "name": "loja"}
    with pytest.raises(Conflict) as refusal:
        lifecycle.adopt_instance(**options)
    assert refusal.value.code == "webhook_in_use"
    assert "crm.example" in str(refusal.value.message)
    lifecycle.adopt_instance(**options, take_over=True)
    assert "crm.example" not in hook_of(world, Connection.objects.get())["url"]


def test_list_of_instances_marks_ours_and_others_and_shows_no_token(world, other_tenant):
    for name in ("livre", "nossa", "alheia"):
        there_already(world, name)
    ours = lifecycle.adopt_instance(server_id=world.server_id, instance_name="nossa", name="loja")
    with tenant_scope(other_tenant):
        server = servers.create_server(name="casa", url=world.url, api_key=KEY)
        lifecycle.adopt_instance(server_id=server.pk, instance_name="alheia", name="outra")
    found = {one.name: one for one in lifecycle.foreign_instances(world.server_id)}
    assert found["nossa"].connection_id == ours.public_id
    assert [name for name, one in found.items() if one.is_taken] == ["alheia"]
    assert found["livre"].number == NUMBER
    assert "token-" not in repr(found)
    with pytest.raises(Conflict):
        lifecycle.adopt_instance(server_id=world.server_id, instance_name="alheia", name="x")


def test_instances_of_the_house_are_nobodys_to_list(world):
    with public_scope():
        house = EvolutionServer.objects.create(
            name="house", url=f"{world.url}/", api_key=KEY, version="2.3.7"
        )
    for act in (
        lambda: lifecycle.foreign_instances(house.pk),
        lambda: lifecycle.adopt_instance(server_id=house.pk, instance_name="x", name="x"),
    ):
        with pytest.raises(NotAllowed):
            act()
    made = lifecycle.create_instance(name="loja", server_id=house.pk)
    assert (made.server_url, made.server_id) == ("", house.pk)


def test_acts_are_in_the_audit_and_hold_no_secret(world):
    made = lifecycle.create_instance(name="loja", number=NUMBER)
    lifecycle.start_pairing(made.public_id)
    entries = list(AuditEntry.objects.order_by("pk").values_list("action", "changes"))
    assert [action for action, _ in entries][-2:] == [
        "connection.created",
        "connection.pairing_started",
    ]
    assert row_of(made).api_key not in str(entries)
    assert NUMBER not in str(entries)
