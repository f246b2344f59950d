import re
from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.schema import public_scope, tenant_scope
from evosense.testing.pages import shows_number
from messaging.ingest.models import WebhookEvent
from messaging.models import Connection, ConnectionEvent, Incident
from messaging.tests.factories import make_connection, make_message, make_raw_event
from tenancy.models import WebhookRoute

HTMX = {"HTTP_HX_REQUEST": "true"}
NEW, BY_HAND = "/conexoes/nova/", "/conexoes/nova/manual/"
pytestmark = pytest.mark.usefixtures("tenant")


def page(client, url, status=200, **headers):
    response = client.get(url, **headers)
    assert response.status_code == status, response.content[:2000]
    return response.content.decode()


def url_of(connection):
    return f"/conexoes/{connection.public_id}/"


def token_in(html):
    return re.search(r'id="webhook-token" value="([^"]+)"', html)[1]


def test_roles_on_every_address(client_for):
    connection = make_connection()
    event = make_raw_event(connection)
    own = url_of(connection)
    allowed = {
        "/conexoes/": "viewer agent supervisor admin owner",
        own: "viewer agent supervisor admin owner",
        NEW: "admin owner",
        BY_HAND: "admin owner",
        "/conexoes/nova/existente/": "admin owner",
        "/conexoes/servidores/": "admin owner",
        "/conexoes/servidores/novo/": "admin owner",
        "/conexoes/incidentes/": "viewer agent supervisor admin owner",
        f"{own}conectar/": "viewer agent supervisor admin owner",
        f"{own}envios/": "viewer agent supervisor admin owner",
        f"{own}ajustes/": "admin owner",
        f"{own}sair/": "admin owner",
        f"{own}excluir/": "admin owner",
        f"{own}token/": "admin owner",
        f"{own}eventos/": "supervisor admin owner",
        f"{own}eventos/{event}/": "supervisor admin owner",
        f"{own}eventos/repetir/": "admin owner",
    }
    for role in ("viewer", "agent", "supervisor", "admin", "owner"):
        client = client_for(role)
        for url, roles in allowed.items():
            assert client.get(url).status_code == (200 if role in roles else 403), (role, url)


def test_list_shows_state_number_traffic_and_failures(client_for):
    connection = make_connection(name="Assistência", number="+55 41 90018-4470")
    Connection.objects.filter(pk=connection.pk).update(state="connected")
    ConnectionEvent.objects.create(connection=connection, state="connected", at=timezone.now())
    make_raw_event(connection, status=WebhookEvent.Status.DEAD)
    html = page(client_for("agent"), "/conexoes/")
    assert "Assistência" in html
    assert "90018-4470" in html
    assert 'class="uptime"' in html
    assert not shows_number(page(client_for("viewer"), "/conexoes/"), "5541900184470")


@pytest.mark.parametrize(
    ("state", "health", "badge", "connected"),
    [
        ("connected", "", 'badge ok"><span class="dot d-ok"></span>Conectada<', 1),
        ("connected", "healthy", 'badge ok"><span class="dot d-ok"></span>Conectada<', 1),
        ("connected", "degraded", 'badge warn"><span class="dot d-warn"></span>Instável<', 0),
        ("connected", "down", 'badge bad"><span class="dot d-bad"></span>Fora do ar<', 0),
        ("qr_pending", "down", 'badge warn"><span class="dot d-warn"></span>Aguardando', 0),
    ],
)
def test_a_session_that_only_looks_open_is_not_called_connected(
    client_for, state, health, badge, connected
):
    connection = make_connection()
    Connection.objects.filter(pk=connection.pk).update(state=state, health=health)
    client = client_for("agent")
    html = page(client, "/conexoes/")
    assert badge in html
    assert f"{connected} conectado" in html
    assert badge in page(client, url_of(connection))


def test_since_when_a_session_that_only_looks_open_is_ill_is_said_of_the_illness(client_for):
    line, now = make_connection(), timezone.now()
    Connection.objects.filter(pk=line.pk).update(
        state="connected", health="down", state_at=now - timedelta(days=11)
    )
    Incident.objects.create(
        connection=line,
        kind="server_down",
        severity="down",
        code="unauthorized",
        started_at=now - timedelta(hours=2),
    )

    html = page(client_for("agent"), "/conexoes/")

    assert "há 2 h" in html
    assert "há 11" not in html
    assert "O servidor recusa a chave." in html
    assert "não responde" not in html


def test_of_a_removed_connection_only_its_history_stays(client_for, api_key):
    line = make_connection(name="Antiga")
    Connection.objects.filter(pk=line.pk).update(
        state="connected", health="healthy", server_url="removed:1", removed_at=timezone.now()
    )
    client = client_for("owner")

    html = page(client, url_of(line))

    assert "Excluída" in html
    assert "Conectada<" not in html
    for act in ("ajustes", "conectar", "verificar", "pausar", "renovar"):
        assert f"{url_of(line)}{act}/" not in html
    for place in ("ajustes/", "conectar/"):
        assert client.get(url_of(line) + place).status_code == 404
    key = {"Authorization": f"Bearer {api_key}"}
    told = client.get(f"/api/v1/connections/{line.public_id}", headers=key).json()
    assert told["server_url"] == ""
    health = client.get(f"/api/v1/connections/{line.public_id}/health", headers=key)
    assert health.status_code == 404


def test_an_empty_list_offers_the_first_step_to_those_who_may(client_for):
    assert NEW in page(client_for("admin"), "/conexoes/")
    assert NEW not in page(client_for("agent"), "/conexoes/")


def test_creating_shows_address_and_token_once(client_for):
    client = client_for("admin")
    page(client, BY_HAND)
    response = client.post(BY_HAND, {"name": "Loja", "instance": "evs-1", "number": "41900122210"})
    assert response.status_code == 201
    html = response.content.decode()
    token = token_in(html)
    connection = Connection.objects.get(name="Loja")
    assert f"/hooks/evo/{connection.public_id}" in html
    assert "&quot;X-EvoSense-Token&quot;" in html
    assert "no-store" in response["Cache-Control"]
    for url in (url_of(connection), "/conexoes/", f"{url_of(connection)}token/"):
        assert token not in page(client, url)


def test_a_refused_form_keeps_what_was_typed(client_for):
    make_connection(name="Loja")
    client = client_for("admin")
    response = client.post(BY_HAND, {"name": "loja", "instance": "evs-9", "number": "41900122210"})
    html = response.content.decode()
    assert response.status_code == 422
    assert 'value="evs-9"' in html
    assert 'aria-invalid="true"' in html
    assert Connection.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("instance", "a\x01b"), ("server_url", "ftp://x"), ("number", "12")],
)
def test_each_field_says_what_is_wrong(client_for, field, value):
    body = {"name": "Loja", "instance": "evs-1", field: value}
    response = client_for("admin").post(BY_HAND, body)
    assert response.status_code == 422
    assert f'id="id_{field}-error"' in response.content.decode()


def test_rotating_keeps_the_old_token_for_a_while_and_a_repeated_form_does_nothing(client_for):
    connection = make_connection()
    client = client_for("admin")
    with public_scope():
        first = bytes(WebhookRoute.objects.get(pk=connection.public_id).token_hash)
    form = page(client, f"{url_of(connection)}token/")
    token = re.search(r'name="form_token" value="([^"]+)"', form)[1]
    shown = client.post(f"{url_of(connection)}token/", {"form_token": token})
    assert token_in(shown.content.decode())
    assert client.post(f"{url_of(connection)}token/", {"form_token": token}).status_code == 302
    with public_scope():
        route = WebhookRoute.objects.get(pk=connection.public_id)
    assert bytes(route.previous_token_hash) == first


def test_a_test_event_tells_its_outcome(client_for):
    connection = make_connection()
    client = client_for("admin")
    html = client.post(f"{url_of(connection)}teste/", **HTMX).content.decode()
    again = html.split('hx-get="')[1].split('"')[0]
    assert "spin" in page(client, again, **HTMX)
    with public_scope():
        WebhookEvent.objects.update(status=WebhookEvent.Status.DONE, processing_time_ms=12)
    assert "12 ms" in page(client, again, **HTMX)
    assert client.post(f"{url_of(connection)}teste/").status_code == 302


def test_renaming_and_refusing_events(client_for):
    connection = make_connection(name="Loja")
    other = make_connection(name="Outra")
    client = client_for("admin")
    edit = f"{url_of(connection)}ajustes/"
    assert client.post(edit, {"name": "Matriz"}).status_code == 302
    taken = client.post(edit, {"name": other.name})
    assert taken.status_code == 422
    assert 'value="Outra"' in taken.content.decode()
    client.post(edit, {"is_active": "0"})
    connection.refresh_from_db()
    assert (connection.name, connection.is_active) == ("Matriz", False)
    assert client_for("agent").post(edit, {"name": "x"}).status_code == 403


def test_raw_events_are_filtered_and_hostile_bodies_stay_text(client_for):
    connection = make_connection()
    hostile = b'{"event":"<script>alert(1)</script>"}'
    dead = make_raw_event(connection, hostile, status=3, error_message="<b>x</b>")
    make_raw_event(connection, event="call", status=1)
    client = client_for("supervisor")
    url = f"{url_of(connection)}eventos/"
    assert page(client, url).count("data-item") == 2
    assert page(client, f"{url}?estado=dead", **HTMX).count("data-item") == 1
    assert page(client, f"{url}?evento=call", **HTMX).count("data-item") == 1
    page(client, f"{url}?estado=sumido", 400)
    page(client, f"{url}?marca=sumida", 400)
    html = page(client, f"{url}{dead}/")
    assert "<script>alert" not in html
    assert "<b>x</b>" not in html
    page(client, f"{url}nada/", 404)


def test_a_broken_body_is_shown_as_it_came(client_for):
    connection = make_connection()
    event = make_raw_event(connection, b"{not json \xff", status=2, flag="broken")
    assert "{not json" in page(client_for("supervisor"), f"{url_of(connection)}eventos/{event}/")


def test_one_failed_event_is_read_again(client_for):
    connection = make_connection()
    event = make_raw_event(connection, status=3)
    url = f"{url_of(connection)}eventos/{event}/repetir/"
    assert client_for("supervisor").post(url).status_code == 403
    assert client_for("admin").post(url).status_code == 302
    with public_scope():
        assert WebhookEvent.objects.get().status == WebhookEvent.Status.PENDING


def test_reading_many_again_names_the_count_and_happens_once(client_for):
    connection = make_connection()
    for status in (1, 2, 3, 3):
        make_raw_event(connection, status=status)
    other = make_connection()
    make_raw_event(other, status=3)
    client = client_for("admin")
    url = f"{url_of(connection)}eventos/repetir/"
    html = page(client, f"{url}?estado=dead")
    assert " 2 " in re.search(r"<h1>(.*?)</h1>", html)[1]
    token = re.search(r'name="form_token" value="([^"]+)"', html)[1]
    assert client.post(url, {"form_token": token, "estado": "dead"}).status_code == 302
    with public_scope():
        waiting = WebhookEvent.objects.filter(status=0)
        assert waiting.count() == 2
        assert set(waiting.values_list("connection_id", flat=True)) == {connection.public_id}
        WebhookEvent.objects.filter(status=0).update(status=3)
    client.post(url, {"form_token": token, "estado": "dead"})
    with public_scope():
        assert not WebhookEvent.objects.filter(status=0).exists()


def test_another_tenants_connection_does_not_exist(client_for, other_tenant):
    with tenant_scope(other_tenant):
        connection = make_connection(name="Segredo")
        event = make_raw_event(connection, status=3)
    client = client_for("owner")
    own = url_of(connection)
    for url in (own, f"{own}token/", f"{own}eventos/", f"{own}eventos/{event}/", f"{own}primeiro/"):
        page(client, url, 404)
    for url in (f"{own}token/", f"{own}teste/", f"{own}ajustes/", f"{own}eventos/{event}/repetir/"):
        assert client.post(url, {"name": "x", "form_token": "a"}).status_code == 404, url
    assert "Segredo" not in page(client, "/conexoes/")


def test_the_list_costs_the_same_whatever_it_shows(client_for, count_queries):
    make_message()
    client = client_for("agent")
    page(client, "/conexoes/")
    with count_queries() as few:
        page(client, "/conexoes/")
    for _ in range(5):
        make_connection()
    with count_queries() as many:
        page(client, "/conexoes/")
    assert len(many) == len(few)
