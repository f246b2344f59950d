"""The settings as people use them: who may open what, refusals beside their field, few queries."""

import csv
import io
import json
import re
import uuid

import pytest
from django.test import Client

from evosense.core.actor import Actor, acting
from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA, BETA
from tenancy.models import (
    ApiKey,
    AuditEntry,
    Brand,
    Entitlement,
    Invitation,
    Mail,
    Membership,
    Role,
    SecurityPolicy,
    SupportGrant,
    Tenant,
)
from tenancy.recent import _PROVED_AT
from tenancy.selectors.brand import forget_looks
from tenancy.services import audit, keys
from tenancy.tests import factories
from tenancy.tests.factories import client_of, make_member, make_role, make_user

pytestmark = pytest.mark.usefixtures("tenant")
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture(autouse=True)
def _no_look_kept():
    forget_looks()
    yield
    forget_looks()


def browser(role="admin", *, proved=True, **over) -> Client:
    client = client_of(make_member(role, **over))
    if proved:
        prove(client)
    return client


def prove(client):
    import time

    session = client.session
    session[_PROVED_AT] = int(time.time())
    session.save()


def page(client, url, status=200, **headers):
    answer = client.get(url, **headers)
    assert answer.status_code == status, answer.content[:3000]
    return answer.content.decode()


def send(client, url, data=None, status=303, **headers):
    answer = client.post(url, data or {}, **headers)
    assert answer.status_code in {status, 302 if status == 303 else status}, (
        answer.status_code,
        answer.content[:3000],
    )
    return answer


def seats(limit):
    with public_scope():
        Entitlement.objects.update_or_create(
            tenant_id=ALPHA.id, name="seats", defaults={"limit": limit}
        )


# Index


def test_the_index_shows_only_what_a_role_may_open():
    admin = page(browser("admin"), "/ajustes/")
    for path in ("pessoas", "papeis", "empresa", "marca", "seguranca", "chaves", "auditoria"):
        assert f'href="/ajustes/{path}/"' in admin
    supervisor = page(browser("supervisor"), "/ajustes/")
    assert 'href="/ajustes/pessoas/"' in supervisor
    assert 'href="/ajustes/chaves/"' not in supervisor


def test_the_rail_offers_settings_only_to_whom_they_show_something():
    role = make_role("contacts.view")
    assert 'href="/ajustes/"' in page(browser("supervisor"), "/contatos/")
    assert 'href="/ajustes/"' not in page(browser("viewer", custom_role=role), "/contatos/")


def test_a_page_marks_itself_in_the_index():
    html = page(browser(), "/ajustes/pessoas/")
    assert re.search(r'href="/ajustes/pessoas/"[^>]*aria-current="page"', html)


# People


def test_people_are_listed_with_role_second_step_and_seats():
    seats(10)
    make_member("agent", user=make_user(name="Diego Antunes", email="diego@aurora.example"))
    html = page(browser(), "/ajustes/pessoas/")
    assert "Diego Antunes" in html
    assert "diego@aurora.example" in html
    assert "2" in re.search(r"<footer>.*?</footer>", html, re.DOTALL)[0]


def test_people_of_another_company_are_not_listed():
    make_member("agent", tenant=BETA, user=make_user(name="Beta Person"))
    assert "Beta Person" not in page(browser(), "/ajustes/pessoas/")


def test_search_finds_by_name_and_e_mail():
    make_member("agent", user=make_user(name="Diego Antunes"))
    make_member("agent", user=make_user(email="luana@aurora.example"))
    client = browser()
    headers = {**HTMX, "HTTP_HX_TARGET": "people"}
    html = page(client, "/ajustes/pessoas/?q=antunes", **headers)
    assert "Diego" in html
    assert "luana" not in html
    assert "<html" not in html
    assert "luana" in page(client, "/ajustes/pessoas/?q=LUANA", **headers)
    assert "empty" in page(client, "/ajustes/pessoas/?q=ninguem", **headers)


def test_people_come_in_pages_by_name():
    for number in range(55):
        make_member("agent", user=make_user(name=f"Person {number:02}"))
    client = browser(user=make_user(name="Zelda"))
    first = page(client, "/ajustes/pessoas/")
    assert first.count("data-item") == 50
    following = re.search(r'href="(\?[^"]*cursor=[^"]*)"', first)[1].replace("&amp;", "&")
    assert page(client, f"/ajustes/pessoas/{following}").count("data-item") == 6
    page(client, "/ajustes/pessoas/?cursor=wrong", 400)


def test_the_list_costs_the_same_for_one_and_for_many(count_queries):
    client = browser()
    page(client, "/ajustes/pessoas/")
    with count_queries() as few:
        page(client, "/ajustes/pessoas/")
    role = make_role("contacts.view")
    for number in range(10):
        make_member("agent" if number % 2 else "viewer", custom_role=None if number % 3 else role)
    with count_queries() as many:
        page(client, "/ajustes/pessoas/")
    assert len(many) == len(few)


def test_several_people_are_invited_at_once_and_refusals_stay_in_the_form():
    seats(10)
    client = browser()
    known = make_member("agent").user.email
    data = {"emails": f"ana@aurora.example, BIA@aurora.example\n{known} nonsense", "role": "agent"}
    answer = send(client, "/ajustes/pessoas/convidar/", data, 422)
    html = answer.content.decode()
    assert known in html
    assert "nonsense" in html
    with public_scope():
        invited = set(Invitation.objects.values_list("email", flat=True))
    assert invited == {"ana@aurora.example", "bia@aurora.example"}
    # Sent again by a hasty hand: nothing doubles.
    again = send(
        client, "/ajustes/pessoas/convidar/", {"emails": "ana@aurora.example", "role": "agent"}, 422
    )
    assert "ana@aurora.example" in again.content.decode()
    with public_scope():
        assert Invitation.objects.count() == 2


def test_invitations_stop_at_the_last_seat():
    client = browser()
    seats(2)
    data = {"emails": "one@aurora.example two@aurora.example", "role": "agent"}
    send(client, "/ajustes/pessoas/convidar/", data, 422)
    with public_scope():
        assert Invitation.objects.count() == 1


@pytest.mark.parametrize("role", ["owner", "own-99", "", "emperor"])
def test_nobody_is_invited_with_a_role_that_cannot_be_given(role):
    seats(10)
    send(browser(), "/ajustes/pessoas/convidar/", {"emails": "a@b.example", "role": role}, 422)
    with public_scope():
        assert not Invitation.objects.exists()


def test_an_invitation_with_a_role_of_the_companys_own():
    seats(10)
    role = make_role("contacts.view", name="Só contatos")
    client = browser()
    data = {"emails": "ana@aurora.example", "role": f"own-{role.pk}"}
    send(client, "/ajustes/pessoas/convidar/", data)
    assert "Só contatos" in page(client, "/ajustes/pessoas/?aba=convites")


def test_an_invitation_is_taken_back_and_a_foreign_one_is_not_found():
    seats(10)
    client = browser()
    send(client, "/ajustes/pessoas/convidar/", {"emails": "ana@aurora.example", "role": "agent"})
    with public_scope():
        own = Invitation.objects.get()
        foreign = Invitation.objects.create(
            tenant_id=BETA.id,
            email="x@beta.example",
            role="agent",
            nonce="n",
            expires_at=own.expires_at,
        )
    for act in ("cancelar", "reenviar"):
        send(client, f"/ajustes/pessoas/convites/{foreign.pk}/{act}/", status=404)
    send(client, f"/ajustes/pessoas/convites/{own.pk}/cancelar/")
    send(client, f"/ajustes/pessoas/convites/{own.pk}/cancelar/", status=404)
    with public_scope():
        assert Invitation.objects.get(pk=foreign.pk).state == "open"
        assert Invitation.objects.get(pk=own.pk).state == "revoked"


def test_a_role_is_changed_and_the_last_change_is_named():
    agent = make_member("agent", user=make_user(name="Diego Antunes"))
    client = client_of(make_member("admin", user=make_user(name="Helena Prado")))
    send(client, f"/ajustes/pessoas/{agent.pk}/", {"role": "supervisor"})
    with public_scope():
        assert Membership.objects.get(pk=agent.pk).role == "supervisor"
    html = page(client, "/ajustes/pessoas/")
    assert "Helena Prado" in html
    assert "/ajustes/auditoria/?acao=member" in html


def test_refusals_of_a_role_are_said_on_the_page():
    owner = make_member("owner")
    client = client_of(owner)
    html = send(client, f"/ajustes/pessoas/{owner.pk}/", {"role": "agent"}, 422).content.decode()
    assert 'role="alert"' in html
    agent = make_member("agent")
    send(client_of(make_member("admin")), f"/ajustes/pessoas/{agent.pk}/", {"role": "owner"}, 422)


def test_a_supervisor_reads_people_and_changes_nobody():
    agent = make_member("agent")
    client = browser("supervisor")
    assert "<select" not in page(client, f"/ajustes/pessoas/{agent.pk}/")
    send(client, f"/ajustes/pessoas/{agent.pk}/", {"role": "viewer"}, 403)
    send(client, f"/ajustes/pessoas/{agent.pk}/desativar/", status=403)


def test_another_companys_people_are_not_found():
    stranger = make_member("agent", tenant=BETA)
    client = browser("owner")
    base = f"/ajustes/pessoas/{stranger.pk}/"
    page(client, base, 404)
    page(client, f"{base}desativar/", 404)
    for act in ("", "desativar/", "reativar/", "dono/"):
        send(client, base + act, {"role": "viewer"}, 404)


def test_ownership_goes_over_after_a_fresh_proof_only():
    heir = make_member("admin")
    owner = make_member("owner")
    client = client_of(owner)
    session = client.session
    session[_PROVED_AT] = 0
    session.save()
    answer = client.post(f"/ajustes/pessoas/{heir.pk}/dono/")
    assert answer["Location"].startswith("/conta/confirmar/")
    prove(client)
    send(client, f"/ajustes/pessoas/{heir.pk}/dono/")
    with public_scope():
        roles = {m.pk: m.role for m in Membership.objects.filter(tenant_id=ALPHA.id)}
    assert (roles[heir.pk], roles[owner.pk]) == ("owner", "admin")


def test_somebody_is_deactivated_and_comes_back():
    agent = make_member("agent", user=make_user(name="Diego Antunes"))
    theirs, client = client_of(agent), browser()
    page(theirs, "/contatos/")
    assert "Diego" in page(client, f"/ajustes/pessoas/{agent.pk}/desativar/")
    send(client, f"/ajustes/pessoas/{agent.pk}/desativar/")
    page(theirs, "/contatos/", 404)
    send(client, f"/ajustes/pessoas/{agent.pk}/desativar/", status=422)
    assert "Diego" in page(client, "/ajustes/pessoas/?aba=desativadas")
    seats(1)
    send(client, f"/ajustes/pessoas/{agent.pk}/reativar/")
    with public_scope():
        assert not Membership.objects.get(pk=agent.pk).is_active
    seats(3)
    send(client, f"/ajustes/pessoas/{agent.pk}/reativar/")
    page(theirs, "/contatos/")


# Roles


def test_the_matrix_names_every_role_and_who_has_it():
    make_role("contacts.view", name="Só contatos")
    html = page(browser("supervisor"), "/ajustes/papeis/")
    assert "Só contatos" in html
    assert "Criar" not in html or "/ajustes/papeis/novo/" not in html


def test_a_role_is_made_changed_and_deleted():
    client = browser()
    data = {"name": "Noite", "permissions": ["contacts.edit"]}
    send(client, "/ajustes/papeis/novo/", data)
    send(client, "/ajustes/papeis/novo/", data, 422)
    with public_scope():
        role = Role.objects.get()
    assert role.permissions == ["contacts.edit", "contacts.view"]
    url = f"/ajustes/papeis/{role.pk}/"
    assert "checked" in page(client, url)
    send(client, url, {"name": "Noite", "permissions": ["connections.view"]})
    member = make_member("viewer", custom_role=role)
    page(client_of(member), "/conexoes/")
    page(client_of(member), "/contatos/", 403)
    send(client, f"{url}excluir/", status=422)
    send(client, f"{url}excluir/", {"successor": "agent"})
    page(client_of(member), "/contatos/")
    page(client, url, 404)


def test_a_copy_begins_with_what_the_copied_role_may_do():
    html = page(browser(), "/ajustes/papeis/novo/?de=supervisor")
    assert re.search(r'value="contacts.merge" checked', html)
    assert not re.search(r'value="keys.manage" checked', html)
    page(browser(), "/ajustes/papeis/novo/?de=nobody", 400)


def test_a_role_beyond_ones_own_is_refused_beside_the_form():
    narrow = make_role("members.view", "members.manage")
    client = browser(custom_role=narrow)
    data = {"name": "Chaves", "permissions": ["keys.manage"]}
    send(client, "/ajustes/papeis/novo/", data, 422)
    with public_scope():
        assert Role.objects.count() == 1


def test_another_companys_role_is_not_found():
    foreign = make_role("contacts.view", tenant=BETA)
    client = browser("owner")
    for path in ("", "excluir/"):
        page(client, f"/ajustes/papeis/{foreign.pk}/{path}", 404)
        send(client, f"/ajustes/papeis/{foreign.pk}/{path}", {"name": "x"}, 404)


def test_the_matrix_costs_the_same_for_one_role_and_for_many(count_queries):
    client = browser()
    make_role("contacts.view")
    page(client, "/ajustes/papeis/")
    with count_queries() as few:
        page(client, "/ajustes/papeis/")
    for _number in range(8):
        make_member("viewer", custom_role=make_role("contacts.view"))
    with count_queries() as many:
        page(client, "/ajustes/papeis/")
    assert len(many) == len(few)


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
    audit.record("member.invited", object_label="Segredo", tenant_id=BETA.id)
    assert "Segredo" not in page(browser("owner"), "/ajustes/auditoria/")


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


# Company, brand, rules, support


def test_the_company_changes_its_data_and_is_audited():
    client = browser()
    data = {"name": "Móveis Aurora", "timezone": "America/Manaus", "locale": "en"}
    send(client, "/ajustes/empresa/", data)
    with public_scope():
        tenant = Tenant.objects.get(pk=ALPHA.id)
        noted = AuditEntry.objects.get(action="settings.changed")
    assert (tenant.name, tenant.timezone, tenant.locale) == tuple(data.values())
    assert noted.changes["timezone"] == ["America/Sao_Paulo", "America/Manaus"]


@pytest.mark.parametrize(
    "wrong",
    [{"name": " "}, {"name": "x" * 161}, {"timezone": "Mars/Olympus"}, {"locale": "tlh"}],
)
def test_wrong_company_data_is_refused(wrong):
    data = {"name": "A", "timezone": "America/Manaus", "locale": "en", **wrong}
    send(browser(), "/ajustes/empresa/", data, 422)


def test_rules_are_kept_and_named_with_their_consequences():
    make_member("agent")
    client = browser("owner")
    data = {
        "mfa_for": "everybody",
        "grace": "7",
        "idle_minutes": "60",
        "hours": "some",
        "roles": ["agent"],
        "day-0": "08:00-12:00, 13-18",
        "day-4": "22:00-06:00",
    }
    send(client, "/ajustes/seguranca/", data)
    with public_scope():
        stored = SecurityPolicy.objects.get(pk=ALPHA.id)
    assert stored.login_hours[0] == [["08:00", "12:00"], ["13:00", "18:00"]]
    assert stored.login_hours[4] == [["22:00", "06:00"]]
    assert stored.login_hours[6] == []
    html = page(client, "/ajustes/seguranca/")
    assert "08:00-12:00, 13:00-18:00" in html
    assert re.search(r"2 (pessoas|people)", html)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mfa_for": "robots"},
        {"grace": "9999"},
        {"idle_minutes": "1"},
        {"idle_minutes": "x"},
        {"hours": "some", "day-0": "8-25", "roles": ["agent"]},
        {"hours": "some", "day-0": "08:00-12:00, 11:00-13:00", "roles": ["agent"]},
        {"hours": "some", "day-0": "08:00-08:00", "roles": ["agent"]},
        {"hours": "some", "roles": ["agent"]},
        {"hours": "some", "day-0": "08:00-12:00"},
        {"hours": "some", "day-0": "08:00-12:00", "roles": ["owner"]},
        # The owner has no second step: without grace this would be the last click.
        {"mfa_for": "managers", "grace": "0"},
        {"mfa_for": "everybody", "grace": "0"},
    ],
)
def test_wrong_rules_and_those_that_lock_the_owner_out_are_refused(wrong):
    data = {"mfa_for": "nobody", "grace": "keep", "idle_minutes": "60", "hours": "always", **wrong}
    send(browser("owner"), "/ajustes/seguranca/", data, 422)
    with public_scope():
        assert not SecurityPolicy.objects.exists()


def test_hours_that_would_log_out_their_maker_are_refused():
    from django.utils import timezone

    today = timezone.localtime().weekday()
    data = {
        "mfa_for": "nobody",
        "grace": "keep",
        "idle_minutes": "60",
        "hours": "some",
        "roles": ["admin"],
        f"day-{(today + 3) % 7}": "08:00-12:00",
    }
    send(browser("admin"), "/ajustes/seguranca/", data, 422)
    send(browser("owner"), "/ajustes/seguranca/", data)


def make_grant(tenant=ALPHA):
    from datetime import timedelta

    from django.utils import timezone

    operator = make_user(name="Olga Operator", is_staff=True)
    with public_scope():
        return SupportGrant.objects.create(
            tenant_id=tenant.id,
            operator_id=operator.pk,
            reason="Messages do not arrive",
            expires_at=timezone.now() + timedelta(hours=1),
        )


def test_support_accesses_are_seen_and_ended():
    grant, foreign = make_grant(), make_grant(BETA)
    client = browser("owner")
    html = page(client, "/ajustes/suporte/")
    assert html.count("Olga Operator") == 1
    assert "Messages do not arrive" in html
    send(client, f"/ajustes/suporte/{foreign.pk}/encerrar/", status=404)
    send(client, f"/ajustes/suporte/{uuid.uuid4()}/encerrar/", status=404)
    send(client, f"/ajustes/suporte/{grant.pk}/encerrar/")
    send(client, f"/ajustes/suporte/{grant.pk}/encerrar/")
    with public_scope():
        assert SupportGrant.objects.get(pk=grant.pk).ended_by == "owner"
        assert SupportGrant.objects.get(pk=foreign.pk).state == "open"


def test_a_brand_reaches_pages_and_log_in_and_goes_again():
    client, stranger = browser(), factories.anonymous_client()
    send(client, "/ajustes/marca/", {"name": "Aurora", "color": "#7C3AED"})
    html = page(stranger, "/entrar/")
    style = re.search(r'href="(/marca\.css\?v=[0-9a-f]+)"', html)[1]
    answer = stranger.get(style)
    assert answer["Content-Type"].startswith("text/css")
    assert "immutable" in answer["Cache-Control"]
    assert "--brand: light-dark(#" in answer.content.decode()
    assert stranger.get(style, HTTP_IF_NONE_MATCH=answer["ETag"]).status_code == 304
    assert "immutable" not in stranger.get("/marca.css?v=old")["Cache-Control"]
    assert "Aurora" in page(client, "/ajustes/marca/")
    send(client, "/ajustes/marca/restaurar/")
    forget_looks()
    assert "marca.css" not in page(stranger, "/entrar/")
    with public_scope():
        assert not Brand.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"color": "red"},
        {"color": "#12"},
        {"color": "#0b7a5b; } body {display: none"},
        {"name": "x" * 61},
    ],
)
def test_a_wrong_brand_is_refused(wrong):
    send(browser(), "/ajustes/marca/", {"name": "", "color": "", **wrong}, 422)
    with public_scope():
        assert not Brand.objects.exists()


def test_keys_and_accesses_cost_the_same_for_one_and_for_many(count_queries):
    with public_scope():
        Entitlement.objects.create(tenant_id=ALPHA.id, name="api_keys", limit=None)
    owner = make_member("owner")
    client = client_of(owner)

    def add():
        keys.create_key(
            tenant_id=ALPHA.id,
            name=str(uuid.uuid4()),
            scopes=["all"],
            created_by_id=make_member("agent").user_id,
        )
        make_grant()

    add()
    for url in ("/ajustes/chaves/", "/ajustes/suporte/"):
        page(client, url)
        with count_queries() as few:
            page(client, url)
        for _number in range(4):
            add()
        with count_queries() as many:
            page(client, url)
        assert len(many) == len(few), url


def test_whoever_is_deactivated_gets_a_letter():
    agent = make_member("agent")
    send(browser(), f"/ajustes/pessoas/{agent.pk}/desativar/")
    with public_scope():
        letter = Mail.objects.get(kind="member_deactivated")
    assert (letter.to, letter.object_id) == (agent.user.email, str(agent.pk))
