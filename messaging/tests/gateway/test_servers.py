"""Whose server it is, who may read its key, and what a connection is asked as."""

import logging
from typing import Any

import pytest
from django.utils import timezone

from evosense.core.crypto import DecryptionError
from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.schema import TenantRef, public_scope, tenant_scope
from messaging.gateway import lanes
from messaging.gateway.client.evolution import Evolution
from messaging.gateway.models import EvolutionServer, Lane
from messaging.gateway.servers import (
    Unreachable,
    admin_of,
    create_server,
    instance_of,
    probe_server,
    remove_server,
    server_row,
    servers_for_tenant,
    update_server,
)
from messaging.gateway.tasks import due_servers
from messaging.models import Connection
from messaging.tests.factories import make_connection
from messaging.tests.gateway.rig import Script
from tenancy.models import AuditEntry

SECRET = "very-secret-key"


def _house(url: str = "http://127.0.0.1:9", **over: Any) -> EvolutionServer:
    with public_scope():
        fields = {"name": "Casa", "api_key": SECRET, "version": "2.3.7", **over}
        return EvolutionServer.objects.create(url=url, **fields)


def _own(url: str = "http://127.0.0.1:8", **over: Any) -> EvolutionServer:
    server = create_server(name="Nosso", url=url, api_key=SECRET)
    EvolutionServer.objects.filter(pk=server.pk).update(**{"version": "2.3.7", **over})
    return server_row(server.pk)


def _connection(server: EvolutionServer, **over: Any) -> Connection:
    connection = make_connection()
    Connection.objects.filter(pk=connection.pk).update(server_id=server.pk, **over)
    connection.refresh_from_db()
    return connection


def test_a_company_sees_its_own_servers_and_the_house_s(
    tenant: TenantRef, other_tenant: TenantRef
) -> None:
    house, own = _house(), _own()
    with tenant_scope(other_tenant):
        foreign = _own("http://127.0.0.1:7")

    found = {view.id: view for view in servers_for_tenant()}

    assert set(found) == {house.pk, own.pk}
    assert (found[own.pk].url, found[own.pk].is_own) == ("http://127.0.0.1:8", True)
    # Where the house's stand is not a customer's business.
    assert (found[house.pk].url, found[house.pk].is_own) == ("", False)
    assert found[house.pk].has_key
    with pytest.raises(NotFound):
        server_row(foreign.pk)


def test_nobody_changes_a_server_of_another(tenant: TenantRef, other_tenant: TenantRef) -> None:
    house = _house()
    with tenant_scope(other_tenant):
        foreign = _own("http://127.0.0.1:7")

    for pk in (house.pk, foreign.pk):
        with pytest.raises(NotFound):
            update_server(pk, name="mine", url="http://127.0.0.1:6")
        with pytest.raises(NotFound):
            remove_server(pk)


def test_the_house_s_key_cannot_be_read_inside_a_company(tenant: TenantRef) -> None:
    house = _house()

    with pytest.raises(DecryptionError):
        EvolutionServer.objects.get(pk=house.pk)
    assert admin_of(server_row(house.pk)).key == SECRET


def test_a_connection_is_asked_with_its_own_key_first(tenant: TenantRef) -> None:
    own = _own()
    connection = _connection(own)
    assert instance_of(connection).key == SECRET

    connection.api_key = "the-token-of-the-instance"
    connection.save()
    found = instance_of(connection)

    assert (found.key, found.url, found.name) == (
        "the-token-of-the-instance",
        "http://127.0.0.1:8",
        connection.instance,
    )
    assert found.capabilities.version == "2.3.7"


def test_the_house_s_key_is_only_for_instances_that_we_made(tenant: TenantRef) -> None:
    house = _house()
    with pytest.raises(Unreachable) as refused:
        instance_of(_connection(house))
    assert refused.value.code == "no_key"

    assert instance_of(_connection(house, is_managed=True)).key == SECRET


@pytest.mark.parametrize(
    ("over", "code"),
    [({"is_active": False}, "server_inactive"), ({"version": ""}, "not_probed")],
)
def test_what_keeps_from_an_instance_has_a_code(
    tenant: TenantRef, over: dict[str, Any], code: str
) -> None:
    with pytest.raises(Unreachable) as refused:
        instance_of(_connection(_own(**over)))
    assert refused.value.code == code


def test_a_connection_made_by_hand_gets_the_company_s_own_server(tenant: TenantRef) -> None:
    house = _house("http://127.0.0.1:8")
    first = make_connection(server_url="http://127.0.0.1:8", api_key="typed-in")
    second = make_connection(server_url="http://127.0.0.1:8")

    for connection, code in ((first, "not_probed"), (second, "no_key")):
        with pytest.raises(Unreachable) as refused:
            instance_of(connection)
        assert refused.value.code == code

    # Never the house's row, whose key it would inherit.
    assert first.server_id == second.server_id != house.pk
    assert server_row(first.server_id).tenant_id == tenant.id
    EvolutionServer.objects.filter(pk=first.server_id).update(version="2.2.3")
    first.refresh_from_db()
    assert instance_of(first).key == "typed-in"
    with pytest.raises(Unreachable) as refused:
        instance_of(make_connection())
    assert refused.value.code == "no_server"


def test_a_removed_connection_leads_to_no_server_and_makes_none(tenant: TenantRef) -> None:
    connection = make_connection()
    connection.server_url, connection.removed_at = "removed:it", timezone.now()

    with pytest.raises(Unreachable) as refused:
        instance_of(connection)

    assert refused.value.code == "no_server"
    assert not servers_for_tenant()


def test_servers_are_checked_when_they_are_saved(tenant: TenantRef) -> None:
    for url, field in (
        ("ftp://evo.example.com", "url"),
        ("http://169.254.169.254", "url"),
        ("https://user:pw@evo.example.com", "url"),
        ("https://evo.example.com/?a=1", "url"),
    ):
        with pytest.raises(Invalid) as refused:
            create_server(name="Nosso", url=url, api_key=SECRET)
        assert refused.value.field == field
    for over in ({"name": " "}, {"api_key": ""}, {"api_key": "a\nb"}):
        fields = {"name": "Nosso", "url": "http://127.0.0.1:8", "api_key": SECRET, **over}
        with pytest.raises(Invalid):
            create_server(**fields)
    _own()
    with pytest.raises(Conflict):
        _own()


def test_a_new_address_is_another_server_and_a_used_one_stays(tenant: TenantRef) -> None:
    own = _own()
    connection = _connection(own)
    lanes.wake(connection.public_id)
    lanes.trip(connection.public_id, "unauthorized")

    changed = update_server(own.pk, name="Novo", url="http://127.0.0.1:5", api_key="new")

    assert (changed.version, changed.name) == ("", "Novo")
    assert admin_key(own) == "new"
    assert Lane.objects.get(pk=connection.public_id).state == "open"
    with pytest.raises(Conflict):
        remove_server(own.pk)
    Connection.objects.update(server_id=None)
    remove_server(own.pk)
    with pytest.raises(NotFound):
        server_row(own.pk)


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:8", "http://127.0.0.1:9", "http://localhost:8", "http://127.0.0.1"]
)
def test_another_host_never_gets_the_stored_key(tenant: TenantRef, url: str) -> None:
    own = _own()

    with pytest.raises(Invalid) as refused:
        update_server(own.pk, name="Nosso", url=url, api_key=" ")

    assert refused.value.field == "api_key"
    assert server_row(own.pk).url == "http://127.0.0.1:8"
    # The same host under another path is the same server.
    assert update_server(own.pk, name="Nosso", url=f"{own.url}/evo").url == f"{own.url}/evo"
    assert admin_key(own) == SECRET


def admin_key(server: EvolutionServer) -> str:
    EvolutionServer.objects.filter(pk=server.pk).update(version="2.3.7")
    return admin_of(server_row(server.pk)).key


def test_keys_stand_nowhere(tenant: TenantRef, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    own = _own()
    update_server(own.pk, name="Novo", url=own.url, api_key="another-secret")
    instance = instance_of(_connection(own))

    with public_scope():
        trail = str(list(AuditEntry.objects.values()))
    shown = repr(instance) + repr(own) + str(own) + repr(servers_for_tenant()) + caplog.text + trail
    for secret in (SECRET, "another-secret"):
        assert secret not in shown
    assert "server.created" in trail


def test_a_probe_keeps_what_the_server_told(tenant: TenantRef, server: Script) -> None:
    own = _own(server.url, version="", problem="connect_failed")
    answers = iter([(200, {"version": "2.3.6"}), (404, {"response": {"message": ["not found"]}})])

    def respond(handler: Any) -> None:
        server.respond = None
        server.answer(*next(answers))
        server.respond = respond
        handler.send_response(server.status)
        handler.send_header("Content-Length", str(len(server.body)))
        handler.end_headers()
        handler.wfile.write(server.body)

    server.respond = respond
    found = probe_server(own.pk, Evolution())

    assert (found.version, found.problem) == ("2.3.6", "")
    row = server_row(own.pk)
    assert (row.version, row.problem, row.capabilities) == ("2.3.6", "", {"is_licensed": True})
    assert "apikey" not in server.asked[0].headers or not server.asked[0].headers["apikey"]
    assert server.asked[1].headers["apikey"] == SECRET


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (401, {"response": {"message": "Unauthorized"}}, "unauthorized"),
        (503, {"error": "service not activated", "code": "LICENSE_REQUIRED"}, "license_required"),
    ],
)
def test_a_probe_says_what_is_wrong(
    tenant: TenantRef, server: Script, status: int, body: Any, problem: str
) -> None:
    own = _own(server.url)

    def respond(handler: Any) -> None:
        is_root = handler.path == "/"
        server.answer(200 if is_root else status, {"version": "2.4.0-rc2"} if is_root else body)
        handler.send_response(server.status)
        handler.send_header("Content-Length", str(len(server.body)))
        handler.end_headers()
        handler.wfile.write(server.body)

    server.respond = respond

    assert probe_server(own.pk, Evolution()).problem == problem
    row = server_row(own.pk)
    assert (row.version, row.problem) == ("2.4.0-rc2", problem)
    if problem == "license_required":
        with pytest.raises(Unreachable) as refused:
            admin_of(row)
        assert refused.value.code == "license_required"


def test_a_version_that_was_known_outlives_a_silent_server(tenant: TenantRef) -> None:
    own = _own("http://127.0.0.1:9")

    assert probe_server(own.pk, Evolution()).problem == "connect_failed"
    row = server_row(own.pk)
    assert (row.version, row.problem) == ("2.3.7", "connect_failed")
    with public_scope():
        # Looked at a moment ago, although it is ill.
        assert own.pk not in [pk for pk, _ in due_servers()]
        _house()
        assert len(due_servers()) == 1
