"""API keys and the audit in the settings: shown once, filtered, exported by its owner."""

import csv
import io
import json
import re

import pytest

from evosense.core.actor import Actor, acting
from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA, BETA
from tenancy.models import (
    ApiKey,
    AuditEntry,
    Entitlement,
)
from tenancy.recent import _PROVED_AT
from tenancy.services import audit, keys
from tenancy.tests import factories
from tenancy.tests.factories import make_member, make_role, make_user
from tenancy.tests.settings_help import HTMX, browser, page, send

pytestmark = pytest.mark.usefixtures("tenant", "_no_look_kept")


# Keys


def test_a_key_is_shown_once_and_works():
    client = browser()
    data = {"name": "ERP", "scopes": ["contacts:read"], "kind": "personal"}
    html = send(client, "/ajustes/chaves/nova/", data, 201).content.decode()
    key = re.search(r"evs_live_[0-9A-Za-z_]+", html)[0]
    assert keys.verify_key(key) is not None
    assert key not in page(client, "/ajustes/chaves/")
    send(client, "/ajustes/chaves/nova/", data, 422)
    with public_scope():
        row = ApiKey.objects.get()
        entry = AuditEntry.objects.filter(action="key.created").get()
    assert (row.expires_at - row.created_at).days in {364, 365}
    assert key.rsplit("_", 1)[1] not in json.dumps(entry.changes) + entry.object_label
    send(client, f"/ajustes/chaves/{row.pk}/revogar/")
    assert keys.verify_key(key) is None


def test_a_key_that_writes_lives_ninety_days():
    data = {"name": "ERP", "scopes": ["contacts:write"], "kind": "service"}
    send(browser(), "/ajustes/chaves/nova/", data, 201)
    with public_scope():
        row = ApiKey.objects.get()
    assert (row.expires_at - row.created_at).days in {89, 90}
    assert row.is_service


def test_making_a_key_asks_for_a_fresh_proof():
    client = browser()
    session = client.session
    session[_PROVED_AT] = 0
    session.save()
    assert client.get("/ajustes/chaves/nova/")["Location"].startswith("/conta/confirmar/")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"scopes": []},
        {"scopes": ["nothing:such"]},
        {"networks": "not-a-network"},
        {"networks": "10.0.0.1/8"},
        {"expires": "2001-01-01"},
        {"expires": "9999-12-31"},
        {"expires": "soon"},
    ],
)
def test_a_wrong_key_is_refused(wrong):
    data = {"name": "ERP", "scopes": ["contacts:read"], **wrong}
    send(browser(), "/ajustes/chaves/nova/", data, 422)
    with public_scope():
        assert not ApiKey.objects.exists()


def test_a_key_reaches_no_further_than_its_maker():
    role = make_role("keys.manage", "contacts.view", "numbers.view")
    client = browser(custom_role=role)
    for scopes in (["messages:read"], ["all"], ["contacts:read", "audit:read"]):
        send(client, "/ajustes/chaves/nova/", {"name": "x", "scopes": scopes}, 422)
    send(client, "/ajustes/chaves/nova/", {"name": "x", "scopes": ["contacts:read"]}, 201)


def test_the_plan_limits_keys():
    with public_scope():
        Entitlement.objects.create(tenant_id=ALPHA.id, name="api_keys", limit=1)
    client = browser()
    send(client, "/ajustes/chaves/nova/", {"name": "a", "scopes": ["contacts:read"]}, 201)
    send(client, "/ajustes/chaves/nova/", {"name": "b", "scopes": ["contacts:read"]}, 422)


def test_another_companys_key_is_not_found():
    row, _key = keys.create_key(tenant_id=BETA.id, name="beta key", scopes=["all"])
    client = browser("owner")
    assert "beta key" not in page(client, "/ajustes/chaves/")
    send(client, f"/ajustes/chaves/{row.pk}/revogar/", status=404)
    with public_scope():
        assert ApiKey.objects.get(pk=row.pk).revoked_at is None


def test_a_key_is_good_from_its_networks_only(settings):
    _row, key = keys.create_key(
        tenant_id=ALPHA.id,
        name="bound",
        scopes=["contacts:read"],
        allowed_networks=["203.0.113.0/24", "2001:db8::/32"],
    )
    client = factories.anonymous_client()

    def ask(address, **headers):
        return client.get(
            "/api/v1/contacts",
            HTTP_AUTHORIZATION=f"Bearer {key}",
            REMOTE_ADDR=address,
            **headers,
        ).status_code

    settings.TRUSTED_PROXIES = 0
    assert ask("203.0.113.9") == 200
    assert ask("2001:db8::7") == 200
    assert ask("198.51.100.1") == 401
    # A stranger may write any forwarding header.
    assert ask("198.51.100.1", HTTP_X_FORWARDED_FOR="203.0.113.9") == 401
    settings.TRUSTED_PROXIES = 1
    assert ask("10.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.9") == 200
    assert ask("10.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.1") == 401
    assert keys.verify_key(key) is None


# API


def test_people_and_audit_over_the_api(count_queries):
    make_member("agent", user=make_user(name="Diego Antunes"))
    make_member("agent", tenant=BETA, user=make_user(name="Beta Person"))
    audit.record("member.invited", object_label="Ana", tenant_id=ALPHA.id)
    audit.record("member.invited", object_label="Beto", tenant_id=BETA.id)
    key = factories.make_api_key(scopes=("members:read", "audit:read"))
    client = factories.anonymous_client()
    headers = {"HTTP_AUTHORIZATION": f"Bearer {key}"}
    people = client.get("/api/v1/members", **headers).json()
    assert [one["name"] for one in people["results"]] == ["Diego Antunes"]
    trail = client.get("/api/v1/audit?action=member", **headers).json()
    assert [one["object"]["name"] for one in trail["results"]] == ["Ana"]
    assert client.get("/api/v1/members?active=false", **headers).json()["results"] == []
    for wrong in ("members?cursor=x", "audit?cursor=x", "audit?since=x", "members?nothing=1"):
        assert client.get(f"/api/v1/{wrong}", **headers).status_code == 400


# Audit


def entry(action="member.role_changed", label="Diego", changes=None, by=None):
    actor = Actor(kind="user", id=str(by.user_id), label=by.user.email) if by else Actor()
    with acting(actor):
        return audit.record(
            action, object_type="member", object_label=label, changes=changes, tenant_id=ALPHA.id
        )


def test_entries_read_as_sentences():
    helena = make_member("owner", user=make_user(name="Helena Prado"))
    entry(changes={"role": ["agent", "supervisor"]}, by=helena)
    entry("thing.never_described", "Coisa", by=helena)
    html = page(browser(), "/ajustes/auditoria/")
    assert re.search(r"Helena Prado .*Diego", html)
    assert "thing.never_described Coisa" in html


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("acao=member", 1),
        ("acao=member.role_changed", 1),
        ("acao=key", 0),
        ("quem=helena", 1),
        ("quem=nobody", 0),
        ("objeto=dieg", 1),
        ("de=2001-01-01&ate=2001-01-02", 0),
        ("de=2001-01-01", 1),
        ("quem=%25", 0),
    ],
)
def test_the_trail_is_filtered(query, found):
    helena = make_member("owner", user=make_user(name="Helena Prado"))
    entry(changes={"role": ["agent", "viewer"]}, by=helena)
    headers = {**HTMX, "HTTP_HX_TARGET": "audit"}
    html = page(browser(), f"/ajustes/auditoria/?{query}", **headers)
    assert html.count("<details") == found


@pytest.mark.parametrize("query", ["de=soon", "ate=2026-13-01", "cursor=x", "cursor=-1"])
def test_a_wrong_filter_is_refused(query):
    page(browser(), f"/ajustes/auditoria/?{query}", 400)


def test_another_companys_trail_is_not_shown():
    audit.record("member.invited", object_label="Caso da Beta", tenant_id=BETA.id)
    assert "Caso da Beta" not in page(browser("owner"), "/ajustes/auditoria/")


def test_the_trail_comes_in_pages_at_one_cost(count_queries):
    helena = make_member("owner")
    client = browser()
    entry(by=helena)
    page(client, "/ajustes/auditoria/")
    with count_queries() as few:
        page(client, "/ajustes/auditoria/")
    for number in range(60):
        entry(label=f"Person {number}", by=helena)
    with count_queries() as many:
        first = page(client, "/ajustes/auditoria/")
    assert len(many) == len(few)
    following = re.search(r'href="(\?[^"]*cursor=[^"]*)"', first)[1].replace("&amp;", "&")
    assert page(client, f"/ajustes/auditoria/{following}").count("<details") == 11


def test_the_seals_are_checked_and_a_change_is_found():
    for number in range(3):
        entry(label=str(number))
    client = browser()
    assert "banner ok" in page(client, "/ajustes/auditoria/conferir/", **HTMX)
    with public_scope():
        AuditEntry.objects.filter(tenant_id=ALPHA.id, number=2).update(object_label="forged")
    assert "banner bad" in page(client, "/ajustes/auditoria/conferir/", **HTMX)


DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("http://x";"y")']


def test_the_owner_takes_the_trail_away_and_that_is_an_entry():
    for label in DANGEROUS:
        entry(label=label)
    client = browser("owner")
    answer = client.get("/ajustes/auditoria/exportar/?formato=csv")
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["object_label"] for row in rows] == [f"'{label}" for label in DANGEROUS]
    kept = client.get("/ajustes/auditoria/exportar/?formato=json&acao=member")
    acts = json.loads(b"".join(kept.streaming_content))
    assert [act["object_label"] for act in acts] == DANGEROUS
    with public_scope():
        exports = AuditEntry.objects.filter(action="audit.exported").order_by("number")
        assert [one.changes["format"][1] for one in exports] == ["csv", "json"]


def test_only_the_owner_exports_and_proves_themselves_first():
    assert browser("admin").get("/ajustes/auditoria/exportar/").status_code == 403
    client = browser("owner")
    session = client.session
    session[_PROVED_AT] = 0
    session.save()
    answer = client.get("/ajustes/auditoria/exportar/")
    assert answer["Location"].startswith("/conta/confirmar/")
