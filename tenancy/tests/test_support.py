"""Support access: opened with a reason, entered once, seen by the owner, over when it is over."""

import contextlib
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from evosense.core.errors import Conflict, Invalid, NotAllowed, NotFound
from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA, BETA
from evosense.testing.threads import run_threads
from tenancy.models import AuditEntry, Mail, SupportGrant
from tenancy.services import audit, support
from tenancy.services.mail_text import compose
from tenancy.services.support_letters import support_opened
from tenancy.tests import factories
from tenancy.tests.operators import make_operator, operator_client

REASON = "Messages do not arrive since Monday"


def open_for(operator=None, *, tenant=ALPHA, hours=1, may_write=False):
    operator = operator or make_operator()
    grant = support.open_grant(
        operator=operator, tenant_id=tenant.id, reason=REASON, hours=hours, may_write=may_write
    )
    return grant, operator


def enter(grant, operator, *, tenant=ALPHA) -> Client:
    parts = urlsplit(support.new_code(grant.pk, operator=operator))
    browser = factories.anonymous_client(tenant=tenant)
    assert browser.get(f"{parts.path}?{parts.query}").status_code == 302
    return browser


def actions(tenant_id, kind=""):
    rows = AuditEntry.objects.filter(tenant_id=tenant_id)
    rows = rows.filter(actor_kind=kind) if kind else rows
    return list(rows.order_by("number").values_list("action", flat=True))


@pytest.mark.parametrize(
    ("over", "error", "field"),
    [
        ({"reason": "too short"}, Invalid, "reason"),
        ({"hours": 9}, Invalid, "hours"),
        ({"hours": 0}, Invalid, "hours"),
    ],
)
def test_a_grant_needs_a_reason_and_an_end(over, error, field, public):
    values = {"reason": REASON, "hours": 1, "may_write": False, **over}
    with pytest.raises(error) as caught:
        support.open_grant(operator=make_operator(), tenant_id=ALPHA.id, **values)
    assert caught.value.field == field


def test_only_operators_get_one_and_only_one_at_a_time(public):
    with pytest.raises(NotAllowed):
        open_for(factories.make_user())
    _grant, operator = open_for()
    with pytest.raises(Conflict):
        open_for(operator)


def test_owners_are_told_by_letter_and_both_trails_know(public):
    owner = factories.make_member("owner").user
    factories.make_member("admin")
    grant, operator = open_for(may_write=True)
    letter = Mail.objects.get(kind="support_opened")
    assert (letter.to, letter.tenant_id) == (owner.email, ALPHA.id)
    text = compose(letter, support_opened).body
    assert REASON in text
    assert operator.email in text
    assert support.end_grant(grant.pk, by="operator")
    assert not support.end_grant(grant.pk, by="operator")
    assert actions(ALPHA.id)[-2:] == ["support.opened", "support.ended"]
    assert actions(None)[-2:] == ["support.opened", "support.ended"]
    assert audit.first_broken(ALPHA.id) is None


def test_a_visit_looks_and_does_not_touch(public):
    grant, operator = open_for()
    browser = enter(grant, operator)
    page = browser.get("/conversas/")
    assert page.status_code == 200
    text = page.content.decode()
    assert REASON in text
    assert 'action="/suporte/encerrar/"' in text
    assert page.wsgi_request.support.pk == grant.pk
    assert "numbers.view" not in page.wsgi_request.permissions
    assert browser.post("/ajustes/papeis/novo/", {"name": "x"}).status_code == 403
    assert browser.post("/conta/preferencias/", {"theme": "dark"}).status_code == 302
    assert "support.entered" in actions(ALPHA.id, "support")
    assert "support.entered" in actions(None, "support")


@pytest.mark.parametrize(
    "path",
    [
        "/conta/", "/conta/senha/", "/conta/email/", "/conta/seguranca/", "/conta/seguranca/app/",
        "/conta/sessoes/", "/ajustes/dados/", "/ajustes/chaves/", "/ajustes/chaves/nova/",
        "/ajustes/auditoria/exportar/", "/ajustes/pessoas/convidar/",
    ],
)  # fmt: skip
def test_what_would_outlast_the_visit_is_closed_even_to_one_that_may_write(path, public):
    browser = enter(*open_for(may_write=True))
    assert browser.get(path).status_code in {403, 405}
    assert browser.post(path, {}).status_code == 403


def test_a_visit_that_may_write_is_written_down_act_by_act(public):
    browser = enter(*open_for(may_write=True))
    page = browser.get("/conversas/")
    assert "numbers.view" in page.wsgi_request.permissions
    made = browser.post("/conexoes/nova/manual/", {"name": "Loja", "instance": "loja-1"})
    assert made.status_code < 400
    assert actions(ALPHA.id, "support")[-1] == "support.acted"


def test_a_code_opens_once_and_only_for_its_company_and_half_a_minute(public):
    grant, operator = open_for()
    parts = urlsplit(support.new_code(grant.pk, operator=operator))
    place = f"{parts.path}?{parts.query}"
    code = parts.query.removeprefix("codigo=")
    stored = SupportGrant.objects.get(pk=grant.pk)
    assert code.encode() not in bytes(stored.code_digest)
    assert factories.anonymous_client(tenant=BETA).get(place).status_code == 404
    first, second = factories.anonymous_client(), factories.anonymous_client()
    assert first.get(place).status_code == 302
    assert second.get(place).status_code == 404
    assert second.get("/conversas/").status_code == 302

    late = urlsplit(support.new_code(grant.pk, operator=operator))
    with time_machine.travel(timezone.now() + timedelta(seconds=31)):
        assert first.get(f"{late.path}?{late.query}").status_code == 404


def test_a_code_is_only_for_the_operator_who_opened_the_access(public):
    grant, _operator = open_for()
    with pytest.raises(Conflict):
        support.new_code(grant.pk, operator=make_operator())


def test_of_many_who_bring_one_code_at_once_one_enters(committed):
    with public_scope():
        grant, operator = open_for()
        code = support.new_code(grant.pk, operator=operator).partition("codigo=")[2]
    entered = []

    def bring() -> None:
        with contextlib.suppress(NotFound):
            entered.append(support.redeem(code, tenant_id=ALPHA.id))

    run_threads([bring] * 6)
    assert len(entered) == 1


def test_the_visit_is_over_within_one_request_when_the_owner_ends_it(public):
    grant, operator = open_for()
    browser = enter(grant, operator)
    assert browser.get("/conversas/").status_code == 200
    with pytest.raises(NotFound):
        support.end_grant(grant.pk, by="owner", tenant_id=BETA.id)
    support.end_grant(grant.pk, by="owner", tenant_id=ALPHA.id)
    assert browser.get("/conversas/")["Location"] == "/entrar/"
    assert "_auth_user_id" not in browser.session


def test_the_visit_is_over_at_its_time_and_when_the_operator_leaves_the_house(public):
    grant, operator = open_for()
    browser = enter(grant, operator)
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert browser.get("/conversas/")["Location"] == "/entrar/"
    grant.refresh_from_db()
    assert (grant.state, grant.ended_by) == ("ended", "expiry")

    other, leaver = open_for()
    browser = enter(other, leaver)
    leaver.is_staff = False
    leaver.save()
    assert browser.get("/conversas/")["Location"] == "/entrar/"


def test_a_visit_opens_no_other_company_and_no_operator_site(public):
    grant, operator = open_for()
    browser = enter(grant, operator)
    session = browser.cookies["sessionid"].value
    other = factories.anonymous_client(tenant=BETA)
    other.cookies["sessionid"] = session
    assert other.get("/conversas/")["Location"] == "/entrar/"
    house = Client(HTTP_HOST="testserver")
    house.cookies["sessionid"] = session
    assert house.get("/admin/")["Location"].startswith("/admin/login/")


def test_the_banner_ends_the_access(public):
    grant, operator = open_for()
    browser = enter(grant, operator)
    assert browser.post("/suporte/encerrar/").status_code == 302
    grant.refresh_from_db()
    assert grant.ended_by == "operator"
    assert factories.client_for("owner").post("/suporte/encerrar/").status_code == 404


def test_expired_accesses_are_closed_by_the_clock(public):
    grant, _operator = open_for()
    assert support.end_expired() == 0
    SupportGrant.objects.filter(pk=grant.pk).update(expires_at=timezone.now())
    assert support.end_expired() == 1


def test_an_operator_opens_and_enters_through_the_pages(public):
    operator = make_operator()
    browser = operator_client(operator)
    place = f"/admin/tenancy/tenant/act/support/?ids={ALPHA.id}"
    assert browser.get(place).status_code == 200
    short = browser.post(place, {"ids": ALPHA.id, "reason": "short", "hours": 1})
    assert short.status_code == 422
    page = browser.post(place, {"ids": ALPHA.id, "reason": REASON, "hours": 2})
    assert b"/suporte/entrar/?codigo=" in page.content
    grant = SupportGrant.objects.get()
    assert (grant.operator_id, grant.may_write) == (operator.pk, False)
    again = browser.post("/admin/tenancy/supportgrant/act/enter/", {"ids": grant.pk})
    assert b"/suporte/entrar/?codigo=" in again.content
    browser.post("/admin/tenancy/supportgrant/act/end/", {"ids": grant.pk})
    grant.refresh_from_db()
    assert grant.state == "ended"
