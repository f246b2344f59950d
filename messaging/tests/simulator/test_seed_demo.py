"""The demonstration: made once, its secrets kept by their owner, its history ordinary events."""

import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from evosense.core.crypto import token_digest
from evosense.core.schema import TenantRef, public_scope, tenant_scope
from messaging.gateway.models import EvolutionServer, Lane
from messaging.gateway.servers import instance_of
from messaging.ingest.models import WebhookEvent
from messaging.management import demo_company, demo_history, demo_server
from messaging.management.demo_company import Company
from messaging.models import Connection, Message, ParkedEffect
from messaging.services.connections import rotate_token, set_active, webhook_url
from messaging.services.health import look, probe
from messaging.simulator.demo import DEMO_NAMES, demo_world
from messaging.simulator.run import read_demo, wire_demo
from messaging.simulator.state import Options, Simulator
from tenancy.models import Membership, Tenant, User, WebhookRoute


@pytest.fixture
def company(
    tenant: TenantRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Company]:
    """The demonstration inside the test's own tenant, so that no schema has to be made."""
    monkeypatch.setenv("EVOSENSE_HOME", str(tmp_path))
    with public_scope():
        row = Tenant.objects.get(pk=tenant.id)
        monkeypatch.setattr(demo_company, "_tenant", lambda: row)
        made = demo_company.ensure()
        demo_company.save(made)
        yield made


def test_everything_is_there(company: Company):
    with tenant_scope(company.tenant.ref):
        rows = {row.instance: row.name for row in Connection.objects.all()}
    assert rows == DEMO_NAMES
    roles = Membership.objects.filter(tenant=company.tenant).values_list("role", flat=True)
    assert {"owner", "agent", "viewer"} <= set(roles)
    owner = User.objects.get(email=company.facts()["email"])
    assert owner.check_password(company.password)


def test_the_tokens_open_the_routes(company: Company):
    for wire in company.wires:
        route = WebhookRoute.objects.get(pk=wire.id)
        assert bytes(route.token_hash) == token_digest(wire.token)


def test_the_file_is_for_its_owner_only(company: Company, tmp_path: Path):
    path = tmp_path / "demo.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["password"] == company.password


def test_a_second_run_changes_nothing(company: Company):
    assert demo_company.ensure() == company


def test_numbers_stand_on_the_simulator_as_their_server(company: Company):
    with tenant_scope(company.tenant.ref):
        server = EvolutionServer.objects.get(tenant_id=company.tenant.id)
        assert (server.url, server.api_key) == (company.server.url, company.server.key)
        for row in Connection.objects.all():
            assert (row.server_id, row.is_managed, row.wants_session) == (server.pk, True, True)
            assert instance_of(row).name == row.instance


def test_numbers_rest_until_their_server_is_up(company: Company, monkeypatch: pytest.MonkeyPatch):
    asked: list[object] = []
    monkeypatch.setattr(probe, "ask", asked.append)
    own = str(company.wires[0].id)
    with tenant_scope(company.tenant.ref):
        off = company.wires[1].id
        assert not Connection.objects.filter(is_active=True).exists()
        Connection.objects.update(state="connected", connected_at=timezone.now())
        look.look(UUID(own))
        assert not asked
        set_active(UUID(off), is_active=False)
        assert demo_server.open_numbers() == 3
        assert demo_server.open_numbers() == 0
        assert Connection.objects.get(is_active=False).public_id == UUID(off)
        # The next start finds the server where it was.
        demo_server.ensure(company.server)
        assert Connection.objects.filter(is_active=True).count() == 3
    with public_scope():
        assert Lane.objects.get(pk=own).watch_at <= timezone.now()


def test_a_taken_port_moves_server_and_numbers(company: Company):
    with socket.socket() as stranger:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        stranger.bind(("127.0.0.1", port))
        stranger.listen()
        moved = demo_server.choose({"port": port, "key": "k"})
    assert moved.port != port
    with tenant_scope(company.tenant.ref):
        demo_server.ensure(moved)
        urls = set(Connection.objects.values_list("server_url", flat=True))
        assert urls == {moved.url} == set(EvolutionServer.objects.values_list("url", flat=True))


def test_a_simulator_that_found_its_port_taken_tells_where_it_is(company, monkeypatch, tmp_path):
    monkeypatch.setattr(demo_company.tenants, "find_tenant", lambda slug: company.tenant)
    port = company.server.port + 1

    demo_company.open_numbers(port)

    url = f"http://127.0.0.1:{port}"
    with tenant_scope(company.tenant.ref):
        assert set(EvolutionServer.objects.values_list("url", flat=True)) == {url}
        assert set(Connection.objects.values_list("server_url", "is_active")) == {(url, True)}
    known = read_demo(tmp_path / "demo.json")
    assert known["server"] == {"port": port, "key": company.server.key, "url": url}
    assert known["connections"] == company.facts()["connections"]


def test_token_that_was_renewed_in_the_panel_is_made_anew_for_the_simulator(company: Company):
    with tenant_scope(company.tenant.ref):
        wire = company.wires[0]
        for _ in range(2):
            rotate_token(UUID(wire.id))
    again = demo_company.ensure()
    route = WebhookRoute.objects.get(pk=wire.id)
    assert again.wires[0].token != wire.token
    assert bytes(route.token_hash) == token_digest(again.wires[0].token)


def test_lost_secrets_are_made_anew(company: Company, tmp_path: Path):
    (tmp_path / "demo.json").unlink()
    again = demo_company.ensure()
    assert [wire.id for wire in again.wires] == [wire.id for wire in company.wires]
    assert not {wire.token for wire in again.wires} & {wire.token for wire in company.wires}
    assert User.objects.get(email=again.facts()["email"]).check_password(again.password)


def test_the_simulator_goes_on_with_what_was_seeded(company: Company, tmp_path: Path):
    simulator = Simulator(Options(), world=demo_world())
    wire_demo(simulator, read_demo(tmp_path / "demo.json"))
    for wire in company.wires:
        instance = simulator.store.get(wire.instance)
        assert instance.webhook
        assert instance.webhook.url == webhook_url(UUID(wire.id))
        assert instance.webhook.headers == {"X-EvoSense-Token": wire.token}
        assert instance.token == wire.api_key
        assert instance.state == "open"


def test_history_is_written_and_applied_once(company: Company):
    written: dict[str, Any] = demo_history.ensure(company, days=5)
    own = WebhookEvent.objects.filter(tenant_id=company.tenant.id)
    assert written["events"] > 300
    assert own.count() == written["events"]
    assert not own.exclude(status=WebhookEvent.Status.DONE, flag="").exists()
    with tenant_scope(company.tenant.ref):
        assert Message.objects.count() > 100
        assert not ParkedEffect.objects.exists()
        assert set(Connection.objects.values_list("state", flat=True)) == {"connected"}
    assert demo_history.ensure(company, days=5)["events"] == 0
