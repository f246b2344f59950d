"""What operators see and do about servers, incidents and sending lines of all companies."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.schema import public_scope, tenant_scope
from evosense.testing.databases import ALPHA
from messaging.gateway.models import EvolutionServer, Lane
from messaging.models import Connection
from messaging.selectors.failure_words import failure_words
from messaging.selectors.health_words import failure_words as words_of_server
from messaging.services.health.incidents import Cause, close_incidents, open_incident
from messaging.services.usage import refresh_usage
from messaging.tests.gateway.rig import scripted
from messaging.tests.health.rig import make_line, make_server
from tenancy.models import AuditEntry, TenantUsage
from tenancy.tests.operators import operator_client

KEY = "chave-muito-secreta-9"
SERVERS = "/admin/gateway/evolutionserver/"


def add(client, **over):
    form = {"name": "Casa", "url": "http://127.0.0.1:9", "api_key": KEY, "is_active": "on"}
    return client.post(f"{SERVERS}new/", form | over)


@pytest.mark.parametrize(
    "place", ["numbers/incidents/", "gateway/evolutionserver/", "gateway/lane/"]
)
def test_the_pages_open(place, public, redis_db):
    with tenant_scope(ALPHA):
        make_line(make_server("http://127.0.0.1:9"))
    make_server("http://127.0.0.1:10", is_house=True)
    assert operator_client().get(f"/admin/{place}").status_code == 200


def test_a_server_of_the_house_is_added_asked_and_never_shows_its_key(public, redis_db):
    client = operator_client()
    with scripted() as script:
        script.answer(200, {"version": "2.3.7", "message": "Welcome"})
        made = add(client, url=script.url)
        assert made.status_code == 302, made.content[:500]
    server = EvolutionServer.objects.get()
    assert (server.tenant_id, server.api_key, server.version) == (None, KEY, "2.3.7")
    assert AuditEntry.objects.filter(tenant=None, action="server.created").exists()
    for place in (f"{server.pk}/change/", f"{server.pk}/edit/", ""):
        page = client.get(SERVERS + place)
        assert page.status_code == 200
        assert KEY.encode() not in page.content


def test_an_empty_key_keeps_the_stored_one_and_a_refusal_names_its_field(public, redis_db):
    client = operator_client()
    add(client)
    server = EvolutionServer.objects.get()
    form = {"name": "Outra", "url": "http://127.0.0.1:9", "api_key": ""}
    assert client.post(f"{SERVERS}{server.pk}/edit/", form).status_code == 302
    server = EvolutionServer.objects.get()
    assert (server.name, server.api_key, server.is_active) == ("Outra", KEY, False)
    assert add(client).status_code == 422
    assert add(client, url="nada").status_code == 422
    assert EvolutionServer.objects.count() == 1


def test_a_company_changes_its_own_server_alone(public, redis_db):
    with tenant_scope(ALPHA):
        server = make_server("http://127.0.0.1:9")
    client = operator_client()
    assert client.get(f"{SERVERS}{server.pk}/change/").status_code == 200
    assert client.get(f"{SERVERS}{server.pk}/edit/").status_code == 404
    asked = client.post(f"{SERVERS}act/probe/", {"ids": str(server.pk)})
    assert asked.status_code == 302
    with public_scope():
        problem = EvolutionServer.objects.values_list("problem", flat=True).get()
    listed = client.get(SERVERS).content.decode()
    assert (problem in listed, words_of_server(problem) in listed) == (False, True)


def test_a_resting_server_is_used_again_at_once(public, redis_db):
    server = make_server("http://127.0.0.1:9", is_house=True)
    later = timezone.now() + timedelta(minutes=5)
    EvolutionServer.objects.update(breaker="open", breaker_failures=3, breaker_until=later)
    client = operator_client()
    client.post(f"{SERVERS}act/close_breaker/", {"ids": str(server.pk)})
    assert EvolutionServer.objects.values_list("breaker", flat=True).get() == "closed"


def test_open_incidents_of_all_companies_stand_on_one_page(public, redis_db):
    with tenant_scope(ALPHA):
        line = make_line(make_server("http://127.0.0.1:9"))
        now = timezone.now()
        open_incident(line, Cause("server_down", "down", "connect_failed", now, {}))
    page = operator_client().get("/admin/numbers/incidents/").content.decode()
    # On a phone each cell stands beside its heading.
    assert page.count('data-l="') >= 6
    assert line.name in page
    assert "Alpha Ltda" in page
    with tenant_scope(ALPHA):
        close_incidents(line, kinds=["server_down"], now=now)
    assert TenantUsage.objects.get(tenant_id=ALPHA.id).open_incidents == 0
    refresh_usage()
    assert TenantUsage.objects.get(tenant_id=ALPHA.id).incidents == []


def test_a_stopped_line_is_let_go_on(public, redis_db):
    with tenant_scope(ALPHA):
        line: Connection = make_line(make_server("http://127.0.0.1:9"))
    Lane.objects.update_or_create(
        connection_id=line.public_id,
        defaults={"tenant_id": ALPHA.id, "state": "tripped", "reason": "unauthorized"},
    )
    client = operator_client()
    page = client.get("/admin/gateway/lane/?state__exact=tripped")
    assert str(line.public_id) in page.content.decode()
    assert str(failure_words("unauthorized")) in page.content.decode()
    assert client.get("/admin/gateway/lane/?reason=unauthorized").status_code == 200
    client.post("/admin/gateway/lane/act/release/", {"ids": str(line.public_id)})
    assert Lane.objects.get(pk=line.public_id).state == "open"
