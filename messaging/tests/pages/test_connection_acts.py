"""What people do to a connection, its server and its incidents on the pages."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.errors import Conflict
from evosense.core.schema import public_scope, tenant_scope
from messaging.gateway.models import EvolutionServer, Lane
from messaging.gateway.probes import Probe
from messaging.models import Connection, GapRepair, Incident, Outgoing
from messaging.services import lifecycle
from messaging.tests.factories import make_connection, make_conversation
from messaging.views import connections_acts, connections_servers
from tenancy.models import AuditEntry

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def connection():
    made = make_connection(name="Loja Batel")
    rows = Connection.objects.filter(pk=made.pk)
    rows.update(server_url="https://evo.example", api_key=None, is_managed=True, state="connected")
    made.refresh_from_db()
    return made


def own(connection) -> str:
    return f"/conexoes/{connection.public_id}/"


def acts_of() -> set[str]:
    with public_scope():
        return set(AuditEntry.objects.values_list("action", flat=True))


def test_sending_is_paused_and_goes_on(client_for, connection):
    client = client_for("admin")
    assert client_for("agent").post(f"{own(connection)}atos/pausar/").status_code == 403
    assert client.post(f"{own(connection)}atos/nada/").status_code == 404
    answer = client.post(f"{own(connection)}atos/pausar/", {"back": "sending"}, follow=True)
    assert "atos/retomar/" in answer.content.decode()
    with public_scope():
        assert Lane.objects.get(pk=connection.public_id).state == "paused"
    client.post(f"{own(connection)}atos/retomar/")
    with public_scope():
        assert Lane.objects.get(pk=connection.public_id).state == "open"
    assert {"connection.sending_paused", "connection.sending_resumed"} <= acts_of()


def test_a_refused_act_says_why(client_for, connection, monkeypatch):
    def refuse(_id):
        raise Conflict("server_down", "The server is away.")

    act = connections_acts.ACTS["reiniciar"]
    monkeypatch.setitem(connections_acts.ACTS, "reiniciar", type(act)(refuse, act.done))
    html = client_for("admin").post(f"{own(connection)}atos/reiniciar/", follow=True)
    assert "The server is away." in html.content.decode()


@pytest.mark.parametrize(("page", "name"), [("sair", "log_out"), ("excluir", "remove")])
def test_ending_it_is_asked_first_names_it_and_happens_once(
    client_for, connection, monkeypatch, page, name
):
    done = []
    monkeypatch.setattr(lifecycle, name, lambda pk, **_more: done.append(pk))
    client, url = client_for("admin"), f"{own(connection)}{page}/"
    html = client.get(url).content.decode()
    assert html.count("Loja Batel") >= 3
    token = html.split('name="form_token" value="')[1].split('"')[0]
    assert client.post(url, {"form_token": token}).status_code == 302
    assert client.post(url, {"form_token": token}).status_code == 302
    assert done == [connection.public_id]


def test_ending_it_asks_for_a_fresh_proof_of_who_it_is(client_for, connection):
    client = client_for("admin")
    session = client.session
    session["proved_at"] = 0
    session.save()
    for page in ("sair", "excluir", "token"):
        answer = client.get(f"{own(connection)}{page}/")
        assert answer.status_code == 302
        assert "/conta/confirmar/" in answer["Location"]


def test_a_refusal_of_the_server_keeps_the_connection(client_for, connection, monkeypatch):
    def refuse(_id, **_more):
        raise Conflict("server_down", "The server is away.")

    monkeypatch.setattr(lifecycle, "remove", refuse)
    client, url = client_for("admin"), f"{own(connection)}excluir/"
    token = client.get(url).content.decode().split('name="form_token" value="')[1].split('"')[0]
    answer = client.post(url, {"form_token": token})
    assert answer.status_code == 422
    assert "The server is away." in answer.content.decode()


def test_settings_are_saved_each_by_its_form(client_for, connection):
    client, url = client_for("admin"), f"{own(connection)}ajustes/"
    assert client.post(url, {"form": "mute", "hours": "4"}).status_code == 302
    assert client.post(url, {"form": "bulk"}).status_code == 302
    connection.refresh_from_db()
    assert connection.muted_until > timezone.now()
    assert not connection.allows_bulk
    client.post(url, {"form": "mute", "hours": "0"})
    connection.refresh_from_db()
    assert connection.muted_until is None
    assert client.post(url, {"form": "mute", "hours": "999"}).status_code == 422
    assert client_for("agent").get(url).status_code == 403


def test_lost_messages_are_looked_for_in_a_window(client_for, connection):
    Connection.objects.filter(pk=connection.pk).update(api_key="key")
    client, url = client_for("admin"), f"{own(connection)}procurar/"
    assert client.post(url, {"days": "30"}).status_code == 302
    assert GapRepair.objects.get().reason == "manual"
    assert client.post(url, {}).status_code == 422
    backwards = {"since": "2026-01-02T10:00", "until": "2026-01-01T10:00"}
    answer = client.post(url, backwards)
    assert answer.status_code == 422
    assert 'value="2026-01-02T10:00"' in answer.content.decode()
    assert client.post(url, {"since": "2020-01-02T10:00"}).status_code == 422


def test_what_failed_or_is_in_doubt_waits_for_a_decision(client_for, connection):
    thread = make_conversation(connection)
    rows = [
        Outgoing.objects.create(
            connection=connection, conversation=thread, kind="text", state=state,
            payload={"text": "Seu pedido saiu"}, failure={"code": "timed_out", "detail": ""},
        )
        for state in ("failed", "unknown")
    ]  # fmt: skip
    html = client_for("agent").get(f"{own(connection)}envios/").content.decode()
    assert html.count("Seu pedido saiu") == 2
    decide = f"{own(connection)}envios/{{}}/"
    assert client_for("viewer").post(decide.format(rows[0].public_id)).status_code == 403
    client = client_for("agent")
    client.post(decide.format(rows[0].public_id), {"decision": "retry"})
    client.post(decide.format(rows[1].public_id), {"decision": "sent"})
    assert list(Outgoing.objects.order_by("pk").values_list("state", flat=True)) == [
        "queued",
        "sent",
    ]
    assert client.get(f"{own(connection)}envios/?cursor=x").status_code == 400
    elsewhere = f"{own(make_connection())}envios/{rows[0].public_id}/"
    for url, word in ((elsewhere, "retry"), (decide.format(rows[0].public_id), "nothing")):
        assert client.post(url, {"decision": word}).status_code == 404


def test_incidents_are_listed_banded_and_acknowledged(client_for, connection, other_tenant):
    now = timezone.now()
    for number in range(3):
        line = make_connection(name=f"Linha {number}")
        Incident.objects.create(
            connection=line, kind="server_down", severity="down", code="timed_out", started_at=now
        )
    ended = Incident.objects.create(
        connection=connection, kind="silence", severity="degraded", code="silent",
        started_at=now - timedelta(days=2), ended_at=now - timedelta(days=1), recovered=7,
    )  # fmt: skip
    client = client_for("admin")
    banner = client.get("/conexoes/").content.decode().split("<table")[0]
    assert banner.count('class="banner bad"') == 1
    assert "Linha 0, Linha 1, Linha 2" in banner
    everything = client.get("/conexoes/incidentes/").content.decode()
    assert everything.count("data-item") == 4
    assert client.get("/conexoes/incidentes/?abertos=1").content.decode().count("data-item") == 3
    here = f"/conexoes/incidentes/?conexao={connection.public_id}"
    assert client.get(here).content.decode().count("data-item") == 1
    assert client.get("/conexoes/incidentes/?conexao=x").status_code == 400
    seen = f"/conexoes/incidentes/{ended.public_id}/visto/"
    assert client_for("agent").post(seen).status_code == 403
    assert client.post(seen).status_code == 302
    with tenant_scope(other_tenant):
        foreign = make_connection(name="Alheia")
        theirs = Incident.objects.create(
            connection=foreign, kind="silence", severity="down", started_at=now
        )
    assert client.post(f"/conexoes/incidentes/{theirs.public_id}/visto/").status_code == 404


def test_a_server_is_added_tested_changed_and_removed(client_for, monkeypatch):
    monkeypatch.setattr(connections_servers, "probe_server", lambda _id: Probe("2.3.7", ""))
    client, new = client_for("admin"), "/conexoes/servidores/novo/"
    body = {"name": "Próprio", "url": "https://93.184.216.34", "api_key": "very-secret"}
    refused = client.post(new, {**body, "url": "ftp://x"})
    assert refused.status_code == 422
    assert "very-secret" not in refused.content.decode()
    assert client.post(new, body).status_code == 302
    server = EvolutionServer.objects.get(name="Próprio")
    page = client.get("/conexoes/servidores/").content.decode()
    assert "93.184.216.34" in page
    assert "very-secret" not in page
    edit = f"/conexoes/servidores/{server.pk}/"
    assert "very-secret" not in client.get(edit).content.decode()
    elsewhere = {**body, "url": "https://93.184.216.35", "api_key": ""}
    assert client.post(edit, elsewhere).context["form"].errors.keys() == {"api_key"}
    assert client.post(edit, {**body, "name": "Outro", "api_key": ""}).status_code == 302
    assert client.post(f"{edit}testar/").status_code == 302
    with public_scope():
        house = EvolutionServer.objects.create(name="Casa", url="https://203.0.113.9")
    assert client.get(f"/conexoes/servidores/{house.pk}/").status_code == 404
    assert "203.0.113.9" not in client.get("/conexoes/servidores/").content.decode()
    assert client.post(f"{edit}remover/").status_code == 302
    assert not EvolutionServer.objects.filter(pk=server.pk).exists()


def test_without_a_server_the_way_to_a_number_begins_with_one(client_for):
    client = client_for("admin")
    for page in ("/conexoes/nova/", "/conexoes/nova/existente/"):
        assert "/conexoes/servidores/novo/" in client.get(page).content.decode()


def test_the_page_of_a_connection_tells_state_signals_and_repairs(client_for, connection):
    signals = [{"signal": "acks", "status": "bad", "code": "late", "value": 62}]
    Connection.objects.filter(pk=connection.pk).update(health="degraded", health_signals=signals)
    now = timezone.now()
    GapRepair.objects.create(
        connection=connection, reason="reconnected", since=now - timedelta(hours=2), until=now,
        state="done", seen=412, recovered=12,
    )  # fmt: skip
    for period in ("", "?periodo=7d"):
        html = client_for("viewer").get(f"{own(connection)}{period}").content.decode()
        assert "62 %" in html
        assert "412" in html
        assert "procurar/" not in html
