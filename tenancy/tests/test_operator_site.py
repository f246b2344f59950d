"""Who comes into the operators' site, from where, and what its pages show."""

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.test import Client, override_settings
from django.urls import get_resolver

from evosense.testing.databases import ALPHA
from tenancy.admin.words import LETTERS, LIMITS
from tenancy.models import AuditEntry, LoginThrottle, TenantUsage
from tenancy.plans import PLAN_LIMITS
from tenancy.services import mail, mfa
from tenancy.tests import factories
from tenancy.tests.operators import make_operator, operator_client, public_client

LISTS = [
    "tenancy/tenant", "tenancy/user", "tenancy/signup", "tenancy/domain", "tenancy/supportgrant",
    "tenancy/fleetrun", "tenancy/tenantmigration", "tenancy/mail", "tenancy/auditentry",
    "tenancy/feature", "tenancy/announcement", "tenancy/entitlement", "ingest/webhookevent",
]  # fmt: skip


def log_in(browser: Client, user, password=factories.PASSWORD, **extra):
    return browser.post("/admin/login/", {"email": user.email, "password": password, **extra})


def code_of(sealed: str, *, step: int = 0) -> str:
    import time

    return format_hotp_value(hotp_value(mfa.shown_secret(sealed), int(time.time()) // 30 + step))


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/tenancy/tenant/"])
def test_a_tenant_host_has_no_operator_site(path, tenant):
    assert factories.client_for("owner").get(path).status_code == 404
    operator = factories.anonymous_client()
    operator.force_login(make_operator())
    assert operator.get(path).status_code == 404


def test_a_member_who_is_no_operator_gets_nothing(public):
    member = factories.make_member("owner").user
    answer = log_in(public_client(), member)
    assert answer.status_code == 422
    assert "_auth_user_id" not in answer.client.session
    browser = public_client()
    browser.force_login(member)
    assert browser.get("/admin/")["Location"].startswith("/admin/login/")


def test_an_operators_session_from_elsewhere_does_not_open_the_site(public):
    operator = make_operator()
    browser = public_client()
    browser.force_login(operator)
    assert browser.get("/admin/")["Location"].startswith("/admin/login/")


def test_an_operator_sets_a_factor_up_at_the_first_entry_and_shows_it_at_the_next(public):
    operator = make_operator()
    browser = public_client()
    assert log_in(browser, operator)["Location"] == "/admin/factor/"
    assert browser.get("/admin/")["Location"].startswith("/admin/login/")
    assert browser.get("/admin/factor/").status_code == 200
    sealed = browser.session["operator_seed"]
    assert browser.post("/admin/factor/", {"code": "000000"}).status_code == 422
    page = browser.post("/admin/factor/", {"code": code_of(sealed)})
    assert page.status_code == 200
    assert browser.get("/admin/tenancy/tenant/").status_code == 200

    again = public_client()
    assert log_in(again, operator)["Location"] == "/admin/login/code/"
    assert again.get("/admin/")["Location"].startswith("/admin/login/")
    # The way to a new factor is closed to somebody who only knows the password.
    assert b"/admin/factor/" not in again.get("/admin/factor/").content
    assert again.post("/admin/login/code/", {"code": "123456"}).status_code == 422
    assert again.post("/admin/login/code/", {"code": code_of(sealed, step=1)}).status_code == 302
    assert again.get("/admin/tenancy/tenant/").status_code == 200
    actions = set(AuditEntry.objects.filter(tenant=None).values_list("action", flat=True))
    assert {"session.started", "mfa.enabled"} <= actions


@override_settings(IS_LOCAL=True)
def test_a_developer_needs_no_factor_and_leaves_by_log_out(public):
    operator = make_operator()
    browser = public_client()
    assert log_in(browser, operator)["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == 200
    browser.post("/admin/logout/")
    assert browser.get("/admin/").status_code == 302


def test_guessing_is_slowed_down_whatever_redis_remembers(public):
    operator = make_operator()
    browser = public_client()
    for _attempt in range(6):
        log_in(browser, operator, password="wrong password 1")
    answer = log_in(browser, operator)
    assert answer.status_code == 422
    assert LoginThrottle.objects.exists()


def test_operators_may_be_kept_to_their_networks(public):
    browser = operator_client()
    with override_settings(OPERATOR_NETWORKS=["203.0.113.0/24"]):
        assert browser.get("/admin/", REMOTE_ADDR="198.51.100.7").status_code == 404
        assert public_client().get("/admin/login/", REMOTE_ADDR="198.51.100.7").status_code == 404
        assert browser.get("/admin/", REMOTE_ADDR="203.0.113.9").status_code == 200


def test_the_relaxed_policy_ends_with_the_site(public, tenant):
    relaxed = operator_client().get("/admin/tenancy/tenant/")["Content-Security-Policy"]
    assert "'unsafe-eval'" in relaxed
    for answer in (
        public_client().get("/"),
        public_client().get("/admin/login/"),
        factories.client_for("owner").get("/conversas/"),
    ):
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy


@pytest.mark.parametrize("place", LISTS)
def test_every_list_opens(place, public):
    assert operator_client().get(f"/admin/{place}/").status_code == 200


def test_pages_never_show_a_password_or_a_seal_key(public):
    member = factories.make_member("owner").user
    answer = operator_client().get(f"/admin/tenancy/user/{member.pk}/change/")
    assert answer.status_code == 200
    assert member.password.encode() not in answer.content
    assert b"password" not in answer.content.lower().replace(b"password letter", b"")


def test_nothing_can_be_added_changed_or_deleted_by_a_form(public):
    browser = operator_client()
    tenant_page = f"/admin/tenancy/tenant/{ALPHA.id}"
    assert browser.get("/admin/tenancy/tenant/add/").status_code == 403
    assert browser.post(f"{tenant_page}/change/", {"name": "x"}).status_code == 403
    assert browser.post(f"{tenant_page}/delete/", {"post": "yes"}).status_code == 403


def test_the_site_has_no_route_that_acts_without_audit():
    names = {
        getattr(entry, "name", None)
        for entry in get_resolver("evosense.urls_public").url_patterns
        for entry in getattr(entry, "url_patterns", [entry])
    }
    assert not names & {"password_change", "view_on_site"}


def test_the_list_of_companies_costs_the_same_for_fifty(public, count_queries):
    from django.utils import timezone

    from tenancy.models import Tenant

    browser = operator_client()
    browser.get("/admin/tenancy/tenant/")
    with count_queries() as few:
        browser.get("/admin/tenancy/tenant/")
    for number in range(48):
        made = Tenant.objects.create(name=f"Company {number}", slug=f"c{number}", state="ready")
        TenantUsage.objects.create(tenant=made, computed_at=timezone.now())
    with count_queries() as many:
        page = browser.get("/admin/tenancy/tenant/")
    assert b"Company 47" in page.content
    assert len(many) == len(few)
    assert not [sql for sql in many if "t_test" in sql]


def test_a_page_of_a_company_shows_its_parts(public):
    factories.make_member("owner")
    answer = operator_client().get(f"/admin/tenancy/tenant/{ALPHA.id}/change/")
    assert answer.status_code == 200
    assert f"alpha.{settings.PUBLIC_HOST}".encode() in answer.content


def test_search_finds_companies_and_people(public):
    user = factories.make_member("owner").user
    browser = operator_client()
    assert b"Alpha Ltda" in browser.get("/admin/search/", {"s": "alpha"}).content
    assert user.email.encode() in browser.get("/admin/search/", {"s": user.email}).content
    assert browser.get("/admin/search/", {"s": "nothing here"}).status_code == 200


def act(browser, which, **values):
    return browser.post(
        f"/admin/tenancy/tenant/act/{which}/", {"ids": str(ALPHA.id), **values}, follow=False
    )


def trail(tenant_id):
    rows = AuditEntry.objects.filter(tenant_id=tenant_id).order_by("number")
    return [(row.action, row.actor_kind) for row in rows]


def test_acts_on_a_company_go_through_services_and_onto_both_trails(public):
    from tenancy.models import Entitlement, Tenant

    browser = operator_client()
    assert act(browser, "plan", plan="scale").status_code == 302
    assert act(browser, "trial", days=10).status_code == 302
    assert act(browser, "limit", name="seats", limit=7).status_code == 302
    row = Tenant.objects.get(pk=ALPHA.id)
    assert (row.plan, row.trial_ends_at is not None) == ("scale", True)
    assert Entitlement.objects.get(tenant=row).limit == 7
    assert act(browser, "plan-limit", name="seats").status_code == 302
    assert not Entitlement.objects.exists()
    assert act(browser, "suspend", reason="short").status_code == 422
    assert act(browser, "suspend", reason="Invoice unpaid for sixty days").status_code == 302
    row.refresh_from_db()
    assert row.status == "suspended"
    assert act(browser, "resume").status_code == 302
    row.refresh_from_db()
    assert row.status != "suspended"
    expected = [
        "tenant.plan_changed", "tenant.trial_extended", "tenant.entitlement_set",
        "tenant.entitlement_dropped", "tenant.suspended", "tenant.resumed",
    ]  # fmt: skip
    for about in (ALPHA.id, None):
        found = [entry for entry in trail(about) if entry[0] in expected]
        assert found == [(action, "operator") for action in expected]


def test_a_deletion_needs_the_address_typed_and_can_be_called_off(public):
    from tenancy.models import Tenant

    browser = operator_client()
    act(browser, "delete", retyped="beta", grace_days=14)
    assert Tenant.objects.get(pk=ALPHA.id).delete_after is None
    act(browser, "delete", retyped="alpha", grace_days=14)
    assert Tenant.objects.get(pk=ALPHA.id).delete_after is not None
    act(browser, "keep")
    assert Tenant.objects.get(pk=ALPHA.id).delete_after is None


def test_failed_preparation_is_shown_and_tried_again(public):
    from tenancy.models import Tenant

    failed = Tenant.objects.create(
        name="Broken", slug="broken", state="failed", state_error="DiskFull: no space"
    )
    browser = operator_client()
    page = browser.get(f"/admin/tenancy/tenant/{failed.pk}/change/").content.decode()
    assert "DiskFull: no space" in page
    assert "/act/provision/" in page
    browser.post("/admin/tenancy/tenant/act/provision/", {"ids": str(failed.pk)})
    failed.refresh_from_db()
    assert (failed.state, failed.state_error) == ("provisioning", "")


def test_acts_on_people_need_reasons_and_end_sessions(public):
    from django.contrib.sessions.models import Session

    from tenancy.models import Mail
    from tenancy.services import sessions
    from tenancy.tests.operators import give_factor

    operator = make_operator()
    browser = operator_client(operator)
    member = factories.make_member("agent").user
    give_factor(member)
    place = "/admin/tenancy/user/act"
    browser.post(f"{place}/letter/", {"ids": member.pk})
    assert Mail.objects.get(kind="password_reset").to == member.email
    assert browser.post(f"{place}/factor/", {"ids": member.pk}).status_code == 422
    reason = "Lost phone, called back on the known number"
    browser.post(f"{place}/factor/", {"ids": member.pk, "reason": reason})
    assert not mfa.has_second_factor(member)
    guest = factories.anonymous_client()
    guest.force_login(member)
    guest.get("/conversas/")
    browser.post(f"{place}/deactivate/", {"ids": member.pk, "reason": reason})
    member.refresh_from_db()
    assert not member.is_active
    assert not Session.objects.filter(session_key=guest.session.session_key or "x").exists()
    assert sessions.listed(member, None) == []
    own = {"ids": operator.pk, "reason": reason}
    browser.post(f"{place}/deactivate/", own)
    operator.refresh_from_db()
    assert operator.is_active


def test_a_failed_letter_is_sent_again_and_the_chain_is_verified(public):
    from tenancy.models import Mail

    letter = Mail.objects.create(
        kind="password_changed", to="a@example.com", state="failed", attempts=8, object_id="1"
    )
    browser = operator_client()
    browser.post("/admin/tenancy/mail/act/retry/", {"ids": str(letter.pk)})
    letter.refresh_from_db()
    assert (letter.state, letter.attempts) == ("waiting", 0)
    answer = browser.post("/admin/tenancy/auditentry/verify/", follow=True)
    assert answer.status_code == 200
    assert "error" not in [message.level_tag for message in answer.context["messages"]]
    AuditEntry.objects.filter(tenant=None).update(object_label="altered")
    answer = browser.post("/admin/tenancy/auditentry/verify/", follow=True)
    assert "error" in [message.level_tag for message in answer.context["messages"]]


def test_operator_create_makes_one_and_says_so_in_json(public, monkeypatch, capsys):
    import json

    from django.core.management import CommandError, call_command

    monkeypatch.setenv("OPERATOR_PASSWORD", factories.PASSWORD)
    arguments = ["operator_create", "--email", "Ops@house.example"]
    call_command(*arguments, "--password-env", "OPERATOR_PASSWORD")
    answer = json.loads(capsys.readouterr().out)
    assert (answer["email"], answer["new_account"]) == ("ops@house.example", True)
    with pytest.raises(CommandError):
        call_command(*arguments, "--password-env", "OPERATOR_PASSWORD")
    with pytest.raises(CommandError):
        call_command(*arguments, "--password-env", "NOT_SET_ANYWHERE")


def test_the_first_page_costs_the_same_for_fifty(public, count_queries, redis_db):
    from django.utils import timezone

    from tenancy.models import Tenant

    browser = operator_client()
    browser.get("/admin/")
    with count_queries() as few:
        browser.get("/admin/")
    for number in range(48):
        made = Tenant.objects.create(name=f"Company {number}", slug=f"c{number}", state="ready")
        TenantUsage.objects.create(
            tenant=made, computed_at=timezone.now(), oldest_waiting_at=timezone.now(), waiting=3
        )
    with count_queries() as many:
        browser.get("/admin/")
    assert len(many) == len(few)


def test_letters_and_limits_are_shown_in_words():
    assert set(mail._builders) <= set(LETTERS)
    assert {name for limits in PLAN_LIMITS.values() for name in limits} <= set(LIMITS)
