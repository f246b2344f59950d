"""Feature switches and announcements: for whom, how soon, and dismissed by whom."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.template import engines
from django.utils import timezone

from evosense.core.errors import Invalid, NotFound
from evosense.core.schema import public_scope, tenant_scope
from evosense.testing.databases import ALPHA, BETA
from tenancy.models import AnnouncementSeen, AuditEntry, Feature
from tenancy.selectors import announcements, features
from tenancy.services import switches
from tenancy.services.switches import News
from tenancy.tests import factories
from tenancy.tests.operators import operator_client


@pytest.fixture(autouse=True)
def _nothing_remembered(redis_db):
    features.forget_here()
    announcements.forget_announcements()
    yield
    features.forget_here()
    announcements.forget_announcements()


def fresh():
    """After a change: hooks of a wrapping transaction never run."""
    features.forget_features()
    announcements.forget_announcements()


def test_a_switch_is_off_on_for_some_or_on_for_all(public):
    assert not features.is_on("new-inbox", ALPHA.id)
    switches.set_feature("new-inbox", state="chosen", tenant_ids=[ALPHA.id])
    fresh()
    assert features.is_on("new-inbox", ALPHA.id)
    assert not features.is_on("new-inbox", BETA.id)
    switches.set_feature("new-inbox", state="on")
    fresh()
    assert features.is_on("new-inbox", BETA.id)
    switches.set_feature("new-inbox", state="off")
    fresh()
    assert not features.is_on("new-inbox", ALPHA.id)
    entry = AuditEntry.objects.filter(tenant=None, action="feature.set").first()
    assert entry.changes["tenants"] == ["", "alpha"]
    switches.remove_feature("new-inbox")
    with pytest.raises(NotFound):
        switches.remove_feature("new-inbox")


def test_asking_often_costs_no_query(public, count_queries):
    switches.set_feature("one", state="on")
    fresh()
    features.is_on("one", ALPHA.id)
    with count_queries() as seen:
        for name in ("one", "two", "three"):
            features.is_on(name, BETA.id)
    assert seen == []


def test_a_change_is_seen_at_once_after_its_commit(committed):
    with public_scope():
        switches.set_feature("one", state="on")
        assert features.is_on("one", ALPHA.id)
        switches.set_feature("one", state="off")
        assert not features.is_on("one", ALPHA.id)


def test_templates_ask_for_the_company_of_the_page(tenant):
    with public_scope():
        switches.set_feature("one", state="chosen", tenant_ids=[ALPHA.id])
    fresh()
    text = "{% load house %}{% feature 'one' as is_on %}{% if is_on %}new{% else %}old{% endif %}"
    template = engines["django"].from_string(text)
    assert template.render() == "new"
    with tenant_scope(BETA):
        assert template.render() == "old"


@pytest.mark.parametrize(("name", "state"), [("not a slug", "on"), ("ok", "maybe")])
def test_what_is_no_switch_is_refused(name, state, public):
    with pytest.raises(Invalid):
        switches.set_feature(name, state=state)


def test_an_announcement_reaches_only_its_companies_in_its_time(tenant):
    now = timezone.now()
    with public_scope():
        switches.announce(News("Para a alpha", level="warning", tenant_ids=(ALPHA.id,)))
        switches.announce(News("Para a beta", tenant_ids=(BETA.id,)))
        switches.announce(News("Para todos", url="https://status.example/x"))
        switches.announce(News("Ainda não", starts_at=now + timedelta(hours=1)))
        past = {"starts_at": now - timedelta(hours=2), "ends_at": now - timedelta(hours=1)}
        switches.announce(News("Passou já", **past))
    fresh()
    page = factories.client_for("agent").get("/conversas/").content.decode()
    assert "Para a alpha" in page
    assert "Para todos" in page
    assert "https://status.example/x" in page
    for hidden in ("Para a beta", "Ainda não", "Passou já"):
        assert hidden not in page
    assert page.index("Para a alpha") < page.index("Para todos")
    other = factories.client_for("agent", tenant=BETA).get("/conversas/").content.decode()
    assert "Para a beta" in other
    assert "Para a alpha" not in other


def test_a_person_closes_it_for_oneself(tenant):
    with public_scope():
        row = switches.announce(News("Para todos"))
        foreign = switches.announce(News("Para a beta", tenant_ids=(BETA.id,)))
    fresh()
    mine, colleague = factories.client_for("agent"), factories.client_for("agent")
    place = f"/avisos/{row.pk}/fechar/"
    assert mine.post(place).status_code == 302
    assert mine.post(place, HTTP_HX_REQUEST="true").status_code == 200
    assert "Para todos" not in mine.get("/conversas/").content.decode()
    assert "Para todos" in colleague.get("/conversas/").content.decode()
    assert mine.post(f"/avisos/{foreign.pk}/fechar/").status_code == 404
    assert mine.post(f"/avisos/{uuid4()}/fechar/").status_code == 404
    assert AnnouncementSeen.objects.count() == 1


@pytest.mark.parametrize(
    "news",
    [News("x"), News("Bom dia", url="http://plain.example"), News("Bom dia", url="javascript:1")],
)
def test_what_cannot_be_announced_is_refused(news, public):
    with pytest.raises(Invalid):
        switches.announce(news)


def test_operators_set_and_announce_by_their_pages(public):
    browser = operator_client()
    values = {"name": "beta-flow", "description": "x", "state": "chosen", "tenants": [ALPHA.id]}
    assert browser.post("/admin/tenancy/feature/add/", values).status_code == 302
    feature = Feature.objects.get()
    assert [tenant.pk for tenant in feature.tenants.all()] == [ALPHA.id]
    page = browser.get("/admin/tenancy/feature/beta-flow/change/")
    assert page.status_code == 200
    changed = {**values, "state": "on", "tenants": []}
    assert browser.post("/admin/tenancy/feature/beta-flow/change/", changed).status_code == 302
    feature.refresh_from_db()
    assert feature.state == "on"

    bad = {"title": "Manutenção", "level": "warning", "url": "http://x.example",
           "starts_at_0": "21/11/2026", "starts_at_1": "10:00"}  # fmt: skip
    assert browser.post("/admin/tenancy/announcement/add/", bad).status_code == 200
    good = {**bad, "url": ""}
    assert browser.post("/admin/tenancy/announcement/add/", good).status_code == 302
    assert AuditEntry.objects.filter(action="announcement.made", tenant=None).count() == 1
    browser.post("/admin/tenancy/feature/act/remove/", {"ids": "beta-flow"})
    assert not Feature.objects.exists()
