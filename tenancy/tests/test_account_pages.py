"""A person's own pages: profile, password, e-mail, sessions, letters, proving it again."""

import re
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.core import mail as outbox

from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA
from tenancy.models import AuditEntry, Mail, User
from tenancy.notices import wants
from tenancy.services import mail_text, mfa, people, profile
from tenancy.services.mail import _builders
from tenancy.tests.factories import PASSWORD, anonymous_client, make_member
from tenancy.tests.test_login import actions, code_at, log_in, with_app

NEW = "entirely different words"


@pytest.fixture
def member(tenant):
    return make_member("agent")


@pytest.fixture
def client(member):
    browser = anonymous_client()
    assert log_in(browser, member.user.email).status_code == 302
    return browser


def letter(kind: str):
    """Return the letter as its reader gets it."""
    row = Mail.objects.select_related("tenant").get(kind=kind)
    message = mail_text.compose(row, _builders[kind])
    return row, message


def fresh(user: User) -> User:
    with public_scope():
        return User.objects.get(pk=user.pk)


def test_profile_is_kept_and_used(client, member) -> None:
    values = {"name": "Ana Prado", "locale": "en", "timezone": "America/Manaus", "theme": "dark"}
    assert client.post("/conta/", values).status_code == 302
    user = fresh(member.user)
    assert (user.name, user.locale, user.timezone, user.theme) == tuple(values.values())
    page = client.get("/conta/sessoes/")
    assert page["Content-Language"] == "en"
    assert b'data-theme="dark"' in page.content


def test_times_are_shown_in_the_persons_zone(client, member, time_machine) -> None:
    time_machine.move_to("2026-03-02 15:00:00+00:00", tick=False)
    log_in(client, member.user.email)
    with public_scope():
        UserSession.objects.update(created_at="2026-03-02 11:30:00+00:00")
    assert "08:30" in client.get("/conta/sessoes/").content.decode()
    profile.change_profile(fresh(member.user), timezone="America/Manaus")
    assert "07:30" in client.get("/conta/sessoes/").content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 121},
        {"timezone": "Mars/Base"},
        {"locale": "xx"},
        {"theme": "pink"},
    ],
)
def test_odd_values_come_back_with_the_form(client, wrong) -> None:
    values = {"name": "Ana", "locale": "", "timezone": "", "theme": "system", **wrong}
    answer = client.post("/conta/", values)
    assert answer.status_code == 422
    assert b'class="err"' in answer.content


def test_a_new_password_ends_all_other_sessions_and_is_told(client, member) -> None:
    other = anonymous_client()
    log_in(other, member.user.email)
    key = client.session.session_key
    answer = client.post("/conta/senha/", {"old": PASSWORD, "new": NEW})
    assert (answer.status_code, answer["Location"]) == (302, "/conta/seguranca/")
    assert client.session.session_key != key
    assert client.get("/contatos/").status_code == 200
    assert other.get("/contatos/").status_code == 302
    assert log_in(anonymous_client(), member.user.email, NEW).status_code == 302
    row, message = letter("password_changed")
    assert row.to == member.user.email
    assert message is not None
    assert "password.changed" in actions()
    assert NEW not in str(list(AuditEntry.objects.values()))


def test_the_old_password_is_asked_for(client, member) -> None:
    answer = client.post("/conta/senha/", {"old": "not it at all", "new": NEW})
    assert answer.status_code == 422
    assert b"id_old-error" in answer.content
    assert client.post("/conta/senha/", {"old": PASSWORD, "new": "short"}).status_code == 422
    assert fresh(member.user).check_password(PASSWORD)


def test_an_email_changes_when_the_letter_is_answered(client, member) -> None:
    before = member.user.email
    assert client.post("/conta/email/", {"email": "Nova@Example.com"}).status_code == 302
    assert "nova@example.com" in client.get("/conta/").content.decode()
    row, message = letter("email_confirm")
    assert row.to == "nova@example.com"
    link = re.search(r"/conta/email/confirmar/\S+/", message.body).group(0)
    stranger = anonymous_client()
    assert stranger.get(link).status_code == 200
    assert fresh(member.user).email == before, "opening is not confirming"
    assert stranger.post(link).status_code == 200
    assert fresh(member.user).email == "nova@example.com"
    assert people.is_verified(fresh(member.user))
    assert stranger.post(link).status_code == 404, "once"
    told, message = letter("email_changed")
    assert (told.to, message is not None) == (before, True)
    with public_scope():
        entry = AuditEntry.objects.get(action="email.changed", tenant_id=ALPHA.id)
    assert entry.changes == {"email": [before, "nova@example.com"]}


def test_an_address_that_has_an_account_gets_no_letter_and_nothing_is_told(client) -> None:
    taken = make_member("agent").user.email
    assert client.post("/conta/email/", {"email": taken}).status_code == 302
    _row, message = letter("email_confirm")
    assert message is None


def test_a_link_ends_with_the_next_one_with_time_and_when_withdrawn(
    client, member, time_machine
) -> None:
    def token() -> str:
        row = Mail.objects.filter(kind="email_confirm").order_by("-created_at").first()
        return profile.email_token(int(row.object_id), row.to)

    client.post("/conta/email/", {"email": "one@example.com"})
    first = token()
    client.post("/conta/email/", {"email": "two@example.com"})
    second = token()
    assert anonymous_client().post(f"/conta/email/confirmar/{first}/").status_code == 404
    assert anonymous_client().get(f"/conta/email/confirmar/{second}/").status_code == 200
    assert anonymous_client().get(f"/conta/email/confirmar/{second}x/").status_code == 404
    client.post("/conta/email/manter/")
    assert anonymous_client().get(f"/conta/email/confirmar/{second}/").status_code == 404
    client.post("/conta/email/", {"email": "three@example.com"})
    third = token()
    time_machine.move_to(member.created_at + timedelta(hours=25))
    assert anonymous_client().get(f"/conta/email/confirmar/{third}/").status_code == 404


def test_sessions_are_listed_and_ended(client, member) -> None:
    phone = anonymous_client()
    agent = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36"
    phone.post(
        "/entrar/",
        {"email": member.user.email, "password": PASSWORD},
        headers={"User-Agent": agent},
    )
    page = client.get("/conta/sessoes/").content.decode()
    assert "Chrome · Android" in page
    assert "127.0.0.1" in page
    assert client.session.session_key not in page
    _this_one, url = re.findall(r"/conta/sessoes/\w{20}/encerrar/", page)
    assert client.post(url).status_code == 302
    assert phone.get("/contatos/").status_code == 302
    assert client.get("/contatos/").status_code == 200
    assert client.post(url).status_code == 404


def test_ending_all_others_keeps_this_one(client, member) -> None:
    others = [anonymous_client() for _number in range(3)]
    for other in others:
        log_in(other, member.user.email)
    client.post("/conta/sessoes/encerrar/")
    assert client.get("/contatos/").status_code == 200
    assert {other.get("/contatos/").status_code for other in others} == {302}


def test_ending_this_one_is_logging_out(client) -> None:
    page = client.get("/conta/sessoes/").content.decode()
    url = re.findall(r"/conta/sessoes/\w{20}/encerrar/", page)[0]
    assert client.post(url)["Location"] == "/entrar/"
    assert client.get("/contatos/").status_code == 302


def test_letters_that_a_person_may_refuse(client, member) -> None:
    client.post("/conta/notificacoes/", {})
    assert not wants(fresh(member.user), "new_login")
    client.post("/conta/notificacoes/", {"new_login": "on"})
    assert wants(fresh(member.user), "new_login")


def test_sensitive_pages_ask_again_after_ten_minutes(member, time_machine) -> None:
    time_machine.move_to("2026-03-02 12:00:00+00:00", tick=False)
    client = anonymous_client()
    log_in(client, member.user.email)
    assert client.get("/conta/email/").status_code == 200
    time_machine.shift(600)
    answer = client.get("/conta/email/")
    assert answer["Location"] == "/conta/confirmar/?next=%2Fconta%2Femail%2F"
    assert client.post("/conta/email/", {"email": "x@example.com"}).status_code == 302
    assert not Mail.objects.filter(kind="email_confirm").exists()
    wrong = client.post("/conta/confirmar/", {"password": "wrong wrong wrong"})
    assert wrong.status_code == 422
    key = client.session.session_key
    proof = {"password": PASSWORD, "next": "/conta/email/"}
    assert client.post("/conta/confirmar/", proof)["Location"] == "/conta/email/"
    assert client.session.session_key != key
    assert client.get("/conta/email/").status_code == 200


def test_a_code_is_proof_and_counts_once(member, time_machine) -> None:
    time_machine.move_to("2026-03-02 12:00:00+00:00", tick=False)
    sealed = with_app(member.user, 0)
    client = anonymous_client()
    with public_scope():
        client.force_login(member.user)
    time_machine.shift(700)
    code = code_at(sealed, 1772452800 + 700)
    assert client.post("/conta/confirmar/", {"code": code}).status_code == 302
    assert client.post("/conta/confirmar/", {"code": code}).status_code == 422


def test_removing_and_replacing_the_app(client, member) -> None:
    with_app(member.user, 0)
    assert client.get("/conta/seguranca/").status_code == 200
    client.post("/conta/seguranca/app/remover/")
    assert not mfa.has_second_factor(member.user)
    row, message = letter("mfa_changed")
    assert row.to == member.user.email
    assert message is not None
    assert "mfa.disabled" in actions()


def test_new_codes_replace_the_old(client, member) -> None:
    with_app(member.user, 0)
    old = mfa.take_unseen_codes(member.user)[0]
    client.post("/conta/seguranca/codigos/")
    page = client.get("/conta/seguranca/codigos/").content.decode()
    new = re.findall(r"\d{5}-\d{5}", page)[0]
    assert mfa.check_code(member.user, old) == ""
    assert mfa.check_code(member.user, new) == "recovery"


def test_no_secret_reaches_audit_or_letters(client, member) -> None:
    sealed = with_app(member.user, 0)
    client.post("/conta/seguranca/codigos/")
    codes = mfa.take_unseen_codes(member.user)
    with public_scope():
        written = str(list(AuditEntry.objects.values())) + str(list(Mail.objects.values()))
    assert not outbox.outbox
    for secret in [*codes, mfa.shown_secret(sealed), PASSWORD]:
        assert secret not in written
