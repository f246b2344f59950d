"""A forgotten password: the same answer for all, one use, no way round the second factor."""

import re
from datetime import timedelta
from functools import partial

import pytest
from django.contrib.sessions.models import Session
from django.core import mail as outbox
from django.test import Client
from django.utils import timezone

from evosense.core.errors import Conflict, Invalid
from evosense.core.schema import public_scope, tenant_scope
from evosense.testing.databases import ALPHA, BETA
from evosense.testing.threads import run_threads
from tenancy.models import AuditEntry, Mail, Membership, User
from tenancy.services import mail, mfa, password_reset
from tenancy.tests import factories

PASSWORD = "seven green bicycles"


@pytest.fixture
def member(tenant) -> Membership:
    return factories.make_member("agent")


@pytest.fixture
def browser(tenant) -> Client:
    return factories.anonymous_client()


def ask(browser: Client, email: str) -> str:
    answer = browser.post("/entrar/esqueci/", {"email": email})
    assert answer.status_code == 200
    return answer.content.decode().replace(email, "")


def link() -> str:
    with public_scope():
        mail.sweep()
    (found,) = set(re.findall(r"https?://\S+", outbox.outbox[-1].body))
    return found


def path() -> str:
    return re.sub(r"^https?://[^/]+", "", link())


def test_from_the_letter_to_a_log_in_with_the_new_password(browser, member) -> None:
    ask(browser, member.user.email.upper())
    address = path()
    assert browser.get(address).status_code == 200
    answer = browser.post(address, {"password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/entrar/")
    assert "_auth_user_id" not in browser.session, "nobody is logged in by a letter"
    entry = browser.post("/entrar/", {"email": member.user.email, "password": PASSWORD})
    assert (entry.status_code, entry["Location"]) == (302, "/")


def test_known_and_unknown_people_get_the_same_answer(browser, member) -> None:
    elsewhere = factories.make_member("owner", tenant=BETA)
    closed = factories.make_member(user=factories.make_user(is_active=False))
    emails = ["nobody@example.com", elsewhere.user.email, closed.user.email, member.user.email]
    pages = {re.sub(r'value="[^"]{60,}"', "", ask(browser, email)) for email in emails}
    assert len({re.sub(r"X-CSRFToken[^}]*", "", page) for page in pages}) == 1
    with public_scope():
        assert list(Mail.objects.values_list("to", flat=True)) == [member.user.email]


def test_the_link_works_once_and_thirty_minutes(browser, member, settings) -> None:
    ask(browser, member.user.email)
    address = path()
    browser.post(address, {"password": PASSWORD})
    used = browser.post(address, {"password": "another long password"})
    assert used.status_code == 410
    assert browser.get(address).status_code == 410
    settings.PASSWORD_RESET_TIMEOUT = -1
    with public_scope():
        token = password_reset.token_of(User.objects.get(pk=member.user_id))
    assert browser.get(f"/entrar/nova-senha/{token}/").status_code == 410
    member.user.refresh_from_db()
    assert member.user.check_password(PASSWORD)


def test_a_log_in_meanwhile_ends_the_link(browser, member) -> None:
    ask(browser, member.user.email)
    address = path()
    factories.anonymous_client().post(
        "/entrar/", {"email": member.user.email, "password": factories.PASSWORD}
    )
    assert browser.get(address).status_code == 410


def test_every_session_ends_and_the_person_is_told(browser, member) -> None:
    inside = factories.anonymous_client()
    inside.post("/entrar/", {"email": member.user.email, "password": factories.PASSWORD})
    assert inside.get("/").status_code == 200
    ask(browser, member.user.email)
    browser.post(path(), {"password": PASSWORD})
    assert inside.get("/").status_code == 302
    with public_scope():
        assert not Session.objects.filter(session_key=inside.session.session_key).exists()
        mail.sweep()
        changed = AuditEntry.objects.get(action="password.changed")
    assert outbox.outbox[-1].to == [member.user.email]
    assert "/entrar/esqueci/" in outbox.outbox[-1].body
    assert changed.actor_id == str(member.user_id)
    assert PASSWORD not in str(changed.changes)


def test_the_second_factor_is_still_asked_for(browser, member) -> None:
    with public_scope():
        mfa_secret(member.user)
    ask(browser, member.user.email)
    browser.post(path(), {"password": PASSWORD})
    entry = browser.post("/entrar/", {"email": member.user.email, "password": PASSWORD})
    assert entry["Location"].startswith("/entrar/codigo/")
    assert browser.get("/").status_code == 302


def mfa_secret(user: User) -> None:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    TOTP.activate(user, generate_totp_secret())
    assert mfa.has_second_factor(user)


def test_a_forged_host_does_not_reach_the_letter(browser, member) -> None:
    browser.post(
        "/entrar/esqueci/", {"email": member.user.email}, HTTP_X_FORWARDED_HOST="evil.example"
    )
    assert link().split("/")[2].split(":")[0] == "alpha.testserver"


def test_letters_to_one_person_have_an_end(browser, member) -> None:
    for _again in range(4):
        ask(browser, member.user.email)
    with public_scope():
        assert Mail.objects.count() == 1
        for _again in range(10):
            Mail.objects.filter().update(created_at=timezone.now() - timedelta(minutes=3))
            with tenant_scope(ALPHA):
                password_reset.request_reset(
                    member.user.email, tenant_id=ALPHA.id, address="192.0.2.7"
                )
        assert Mail.objects.count() == password_reset.LETTERS_AN_HOUR


def test_a_letter_that_waited_too_long_is_not_sent(browser, member) -> None:
    ask(browser, member.user.email)
    with public_scope():
        Mail.objects.update(created_at=timezone.now() - timedelta(hours=3))
        mail.sweep()
    assert outbox.outbox == []


def test_on_the_public_host_the_link_leads_to_the_persons_company(public) -> None:
    member = factories.make_member("agent")
    ask(Client(HTTP_HOST="testserver"), member.user.email)
    assert "//alpha.testserver" in link()


@pytest.mark.parametrize("password", ["short", "", "x" * 129, "telechargement", "Alpha-2026!!"])
def test_a_weak_password_is_explained_and_the_link_stays_good(browser, member, password) -> None:
    ask(browser, member.user.email)
    address = path()
    answer = browser.post(address, {"password": password})
    assert answer.status_code == 422
    assert 'id="id_password-error"' in answer.content.decode()
    assert browser.get(address).status_code == 200


@pytest.mark.parametrize("token", ["x", "1.x", "zzzzzzzzzzzzzzzz.a-b", "1.", "." * 200])
def test_a_torn_link_is_explained(browser, token) -> None:
    assert browser.get(f"/entrar/nova-senha/{token}/").status_code == 410


def test_of_two_people_with_one_link_one_sets_the_password(committed) -> None:
    with public_scope():
        user = factories.make_user()
        factories.make_member(user=user)
        token = password_reset.token_of(user)

    def try_one(number: int) -> str:
        try:
            with tenant_scope(ALPHA):
                password_reset.set_password(token, f"seven green bicycles {number}")
        except (Conflict, Invalid) as error:
            return str(error.code)
        return "set"

    outcomes = run_threads([partial(try_one, number) for number in range(8)])
    assert sorted(outcomes) == ["reset_expired"] * 7 + ["set"]
