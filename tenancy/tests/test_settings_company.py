"""Company, security rules, support accesses and brand in the settings."""

import re
import uuid

import pytest

from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA, BETA
from tenancy.models import (
    AuditEntry,
    Brand,
    Entitlement,
    Mail,
    SecurityPolicy,
    SupportGrant,
    Tenant,
)
from tenancy.selectors.brand import forget_looks
from tenancy.services import keys
from tenancy.tests import factories
from tenancy.tests.factories import client_of, make_member, make_user
from tenancy.tests.settings_help import browser, page, send

pytestmark = pytest.mark.usefixtures("tenant", "_no_look_kept")


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


def test_a_role_without_settings_is_offered_no_search(tenant):
    assert 'type="search"' in page(browser("admin"), "/ajustes/")
    assert 'type="search"' not in page(browser("agent"), "/ajustes/")


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
