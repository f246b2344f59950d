"""A suspended or expired company is refused by pages, API, tasks and streams alike."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.errors import Conflict
from evosense.core.schema import public_scope, tenant_scope
from evosense.core.streams import CLOSED, hints_key, redis_client
from evosense.testing.databases import ALPHA, BETA
from tenancy.db.tasks import TenantRefused, TenantTask
from tenancy.models import Tenant
from tenancy.selectors import hosts
from tenancy.services import audit, life
from tenancy.tests import factories


@pytest.fixture
def suspended(tenant):
    life.suspend(ALPHA.id, reason="Fatura 12 em aberto")
    hosts.forget_hosts()


@pytest.fixture
def expired(tenant):
    with public_scope():
        row = Tenant.objects.filter(pk=ALPHA.id)
        row.update(trial_ends_at=timezone.now() - timedelta(seconds=1))
    hosts.forget_hosts()


def test_members_see_why_and_nothing_else(suspended):
    browser = factories.client_for("agent")
    for path in ("/", "/conversas/", "/contatos/", "/conexoes/", "/ajustes/pessoas/"):
        answer = browser.get(path)
        assert answer.status_code == 403, path
        assert "Fatura 12 em aberto" in answer.content.decode()
        assert "/ajustes/dados/" not in answer.content.decode()
    assert browser.post("/sair/").status_code == 302


def test_the_owner_reaches_why_the_export_and_their_account(suspended):
    browser = factories.client_for("owner")
    shown = browser.get("/").content.decode()
    assert "/ajustes/dados/" in shown
    assert browser.get("/ajustes/dados/").status_code == 200
    assert browser.get("/conta/").status_code == 200
    assert browser.get("/conta/eventos/").status_code == 403


def test_pages_that_stay_open_fetch_nothing_that_leads_away(suspended):
    """A counter that is refused sends its page to where the reason stands."""
    browser = factories.client_for("owner")
    for path in ("/ajustes/dados/", "/conta/seguranca/"):
        answer = browser.get(path)
        assert answer.status_code == 200, path
        page = answer.text
        assert 'data-controller="live"' not in page
        for url in re.findall(r'hx-get="([^"]+)"[^>]*hx-trigger="[^"]*load', page):
            answer = browser.get(url, headers={"HX-Request": "true"})
            assert "HX-Redirect" not in answer, url
        for closed in ("/conversas/", "/ajustes/pessoas/"):
            assert closed not in page, "nothing is offered that is closed"


def test_a_fragment_is_not_answered_with_a_page(suspended):
    answer = factories.client_for("agent").get("/conversas/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (403, "/")


def test_strangers_are_sent_to_log_in_as_ever(suspended):
    answer = factories.anonymous_client().get("/conversas/")
    assert answer["Location"].startswith("/entrar/")


@pytest.mark.parametrize(("state", "status"), [("suspended", 403), ("expired", 402)])
def test_the_api_says_so_with_a_stable_code(request, tenant, api_key, state, status):
    request.getfixturevalue(state)
    browser = factories.anonymous_client()
    answer = browser.get("/api/v1/contacts", headers={"Authorization": f"Bearer {api_key}"})
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["code"] == "tenant_suspended"


def test_an_unknown_key_is_told_nothing_of_it(suspended):
    browser = factories.anonymous_client()
    answer = browser.get("/api/v1/contacts", headers={"Authorization": "Bearer evs_live_x"})
    assert answer.status_code == 401


def test_the_other_company_notices_nothing(suspended):
    assert factories.client_for("agent", tenant=BETA).get("/conversas/").status_code == 200


def test_an_expired_trial_is_restricted_without_anybody_acting(expired):
    answer = factories.client_for("owner").get("/conversas/")
    assert answer.status_code == 403
    with pytest.raises(TenantRefused):
        TenantTask()._usable(ALPHA.id)
    assert life.end_trials() == 1


def test_a_running_trial_is_not(tenant):
    with public_scope():
        row = Tenant.objects.filter(pk=ALPHA.id)
        row.update(trial_ends_at=timezone.now() + timedelta(hours=1))
    hosts.forget_hosts()
    assert factories.client_for("agent").get("/conversas/").status_code == 200


def test_what_a_process_remembers_is_thirty_seconds_old_at_most():
    assert hosts.MEMORY_SECONDS <= 30


def test_open_pages_are_told_and_a_resumed_company_works_again(committed):
    life.suspend(ALPHA.id, reason="Fatura 12 em aberto", cause="payment")
    kinds = [fields[b"kind"] for _id, fields in redis_client().xrange(hints_key(ALPHA.id))]
    assert kinds == [CLOSED.encode()]
    assert redis_client().exists(f"t:{ALPHA.id}:closed")
    with pytest.raises(Conflict):
        life.suspend(ALPHA.id, reason="once more")
    life.resume(ALPHA.id)
    assert not redis_client().exists(f"t:{ALPHA.id}:closed")
    with public_scope():
        row = Tenant.objects.get(pk=ALPHA.id)
        assert (row.status, row.suspended_at, row.suspend_cause) == ("trial", None, "")
        actions = list(audit.trail_of(ALPHA.id).order_by("number").values_list("action", flat=True))
    assert actions == ["tenant.suspended", "tenant.resumed"]
    with tenant_scope(ALPHA):
        assert factories.client_for("agent").get("/conversas/").status_code == 200
