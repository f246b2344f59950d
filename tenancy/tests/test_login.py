"""Log-in: password, second factor, passkeys' absence, hours, sessions."""

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.utils import timezone

from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA, BETA
from evosense.testing.threads import run_threads
from tenancy.models import AuditEntry, Mail, Membership, SecurityPolicy
from tenancy.services import mfa, sessions
from tenancy.tests.factories import PASSWORD, anonymous_client, make_member

WRONG = "E-mail ou senha"


def code_at(sealed: str, moment: float) -> str:
    return format_hotp_value(hotp_value(mfa.shown_secret(sealed), int(moment) // 30))


def with_app(user, moment: float) -> str:
    """Give the person an app that was set up long ago; returns its sealed seed."""
    sealed = mfa.new_secret()
    with public_scope():
        data = {"secret": sealed, "counter": 0}
        Authenticator.objects.create(user=user, type=mfa.TOTP, data=data)
        mfa.ensure_recovery_codes(user)
    return sealed


def log_in(client, email, password=PASSWORD, **more):
    return client.post("/entrar/", {"email": email, "password": password, **more})


def actions(tenant=ALPHA) -> list[str]:
    with public_scope():
        rows = AuditEntry.objects.filter(tenant_id=tenant.id).order_by("number")
        return list(rows.values_list("action", flat=True))


def test_password_alone_lets_in_who_has_no_second_factor(tenant) -> None:
    member = make_member("agent")
    client = anonymous_client()
    answer = log_in(client, member.user.email, next="/contatos/")
    assert (answer.status_code, answer["Location"]) == (302, "/contatos/")
    assert client.get("/contatos/").status_code == 200
    assert actions() == ["session.started"]


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_the_way_on_never_leaves_the_host(tenant, target) -> None:
    answer = log_in(anonymous_client(), make_member("agent").user.email, next=target)
    assert answer["Location"] == "/"


def test_unknown_stranger_and_wrong_password_look_alike(tenant) -> None:
    member, stranger = make_member("agent"), make_member("agent", tenant=BETA)
    cases = [
        (member.user.email, "not the password"),
        (stranger.user.email, PASSWORD),
        ("nobody@example.com", PASSWORD),
    ]
    bodies = set()
    for email, password in cases:
        answer = log_in(anonymous_client(), email, password)
        assert answer.status_code == 422
        text = answer.content.decode().replace(email, "")
        bodies.add(re.sub(r'csrf\w*"[^>]*|X-CSRFToken[^}]*', "", text))
    assert len(bodies) == 1


def test_a_new_key_for_the_session(tenant) -> None:
    member = make_member("agent")
    client = anonymous_client()
    client.post("/entrar/chave/opcoes/")
    before = client.session.session_key
    log_in(client, member.user.email)
    assert client.session.session_key not in {None, before}


def test_half_way_in_opens_nothing(tenant) -> None:
    member = make_member("agent")
    with_app(member.user, 0)
    client = anonymous_client()
    answer = log_in(client, member.user.email, next="/contatos/")
    assert answer["Location"] == "/entrar/codigo/?next=%2Fcontatos%2F"
    for path in ("/contatos/", "/conta/", "/conta/eventos/", "/conta/seguranca/"):
        refused = client.get(path)
        assert refused.status_code == 302, path
        assert refused["Location"].startswith("/entrar/"), path
    assert "session.started" not in actions()


def test_password_and_code_let_in(tenant, time_machine) -> None:
    member = make_member("agent")
    sealed = with_app(member.user, 0)
    time_machine.move_to("2026-03-02 12:00:10+00:00", tick=False)
    client = anonymous_client()
    log_in(client, member.user.email)
    code = code_at(sealed, timezone.now().timestamp())
    answer = client.post(
        "/entrar/codigo/", {"code": f"{code[:3]} {code[3:]}", "next": "/contatos/"}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/contatos/")
    assert client.get("/contatos/").status_code == 200


def test_a_code_counts_once_in_its_window_and_older_ones_not_at_all(tenant, time_machine) -> None:
    member = make_member("agent")
    sealed = with_app(member.user, 0)
    time_machine.move_to("2026-03-02 12:00:10+00:00", tick=False)
    now = timezone.now().timestamp()
    code, older = code_at(sealed, now), code_at(sealed, now - 30)
    assert mfa.check_code(member.user, code) == "app"
    assert mfa.check_code(member.user, code) == ""
    assert mfa.check_code(member.user, older) == ""
    time_machine.shift(30)
    assert mfa.check_code(member.user, code) == ""
    assert mfa.check_code(member.user, code_at(sealed, now + 30)) == "app"


def test_the_code_of_the_set_up_does_not_log_in(tenant) -> None:
    member = make_member("agent")
    sealed = mfa.new_secret()
    code = code_at(sealed, timezone.now().timestamp())
    mfa.enable_app(member.user, sealed=sealed, code=code)
    assert mfa.check_code(member.user, code) == ""


def test_a_recovery_code_opens_once(tenant) -> None:
    member = make_member("agent")
    with_app(member.user, 0)
    first, second = mfa.take_unseen_codes(member.user)[:2]
    assert mfa.take_unseen_codes(member.user) == []
    client = anonymous_client()
    log_in(client, member.user.email)
    assert client.post("/entrar/codigo/", {"code": first}).status_code == 302
    client = anonymous_client()
    log_in(client, member.user.email)
    assert client.post("/entrar/codigo/", {"code": first}).status_code == 422
    assert client.post("/entrar/codigo/", {"code": second}).status_code == 302
    assert mfa.factors_of(member.user).recovery_left == 8


def test_one_recovery_code_used_twice_at_once_has_one_winner(committed) -> None:
    user = make_member("agent").user
    with_app(user, 0)
    code = mfa.take_unseen_codes(user)[0]
    assert sorted(run_threads([lambda: mfa.check_code(user, code)] * 6)) == [""] * 5 + ["recovery"]


def test_one_app_code_used_twice_at_once_has_one_winner(committed) -> None:
    user = make_member("agent").user
    sealed = with_app(user, 0)
    code = code_at(sealed, timezone.now().timestamp())
    assert sorted(run_threads([lambda: mfa.check_code(user, code)] * 6)) == [""] * 5 + ["app"]


def test_secrets_are_not_readable_in_the_database(tenant) -> None:
    member = make_member("agent")
    sealed = with_app(member.user, 0)
    codes = [code.replace("-", "") for code in mfa.take_unseen_codes(member.user)]
    with public_scope():
        stored = str(list(Authenticator.objects.filter(user=member.user).values_list("data")))
    assert mfa.shown_secret(sealed) not in stored
    assert not any(code in stored for code in codes)


def test_a_changed_password_ends_the_half_way_state(tenant) -> None:
    member = make_member("agent")
    with_app(member.user, 0)
    client = anonymous_client()
    log_in(client, member.user.email)
    with public_scope():
        member.user.set_password("another long password")
        member.user.save()
    assert client.get("/entrar/codigo/").status_code == 302


def test_a_new_browser_is_told_by_letter_and_a_known_one_is_not(tenant) -> None:
    member = make_member("agent")
    client = anonymous_client()
    log_in(client, member.user.email)
    assert not Mail.objects.filter(kind="new_login").exists(), "nothing to compare the first with"
    client.post("/sair/")
    log_in(client, member.user.email)
    assert not Mail.objects.filter(kind="new_login").exists()
    log_in(anonymous_client(), member.user.email)
    letter = Mail.objects.get(kind="new_login")
    assert letter.to == member.user.email
    assert AuditEntry.objects.get(pk=letter.object_id).action == "session.started"


def test_who_does_not_want_the_letter_gets_none(tenant) -> None:
    member = make_member("agent")
    member.user.notifications = {"new_login": False}
    member.user.last_login = timezone.now()
    with public_scope():
        member.user.save()
    log_in(anonymous_client(), member.user.email)
    assert not Mail.objects.exists()


def test_logging_out_ends_the_session_and_clears_the_browser(tenant) -> None:
    member = make_member("agent")
    client = anonymous_client()
    log_in(client, member.user.email)
    answer = client.post("/sair/")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get("/contatos/").status_code == 302
    assert not UserSession.objects.filter(user=member.user).exists()
    assert actions() == ["session.started", "session.ended"]


def test_a_deactivated_member_is_out_at_once(tenant) -> None:
    member = make_member("agent")
    client = anonymous_client()
    log_in(client, member.user.email)
    with public_scope():
        Membership.objects.filter(pk=member.pk).update(is_active=False)
    assert client.get("/contatos/").status_code == 404


def policy(**values) -> SecurityPolicy:
    with public_scope():
        row, _new = SecurityPolicy.objects.update_or_create(tenant_id=ALPHA.id, defaults=values)
    return row


def test_a_session_ends_after_idling_and_live_refreshes_do_not_keep_it(
    tenant, time_machine
) -> None:
    time_machine.move_to("2026-03-02 12:00:00+00:00", tick=False)
    policy(mfa_for="nobody", idle_minutes=30)
    client = anonymous_client()
    log_in(client, make_member("agent").user.email)
    time_machine.shift(timedelta(minutes=20))
    assert client.get("/contatos/").status_code == 200
    time_machine.shift(timedelta(minutes=20))
    assert client.get("/contatos/", headers={"X-Live": "1"}).status_code == 200
    assert client.get("/conta/eventos/").status_code == 200
    time_machine.shift(timedelta(minutes=11))
    answer = client.get("/contatos/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (401, "/entrar/")
    notice = client.get("/entrar/")
    assert b'class="banner"' in notice.content
    assert b'class="banner"' not in client.get("/entrar/").content, "it is said once"
    assert client.get("/contatos/").status_code == 302


def test_a_session_ends_after_seven_days_whatever_is_done(tenant, time_machine) -> None:
    time_machine.move_to("2026-03-02 12:00:00+00:00", tick=False)
    policy(mfa_for="nobody", idle_minutes=10080)
    client = anonymous_client()
    log_in(client, make_member("agent").user.email)
    for _day in range(6):
        time_machine.shift(timedelta(days=1))
        assert client.get("/contatos/").status_code == 200
    time_machine.shift(timedelta(days=1))
    assert client.get("/contatos/").status_code == 302


def test_the_last_activity_is_kept_for_the_people_page(tenant, time_machine) -> None:
    time_machine.move_to("2026-03-02 12:00:00+00:00", tick=False)
    member = make_member("agent")
    client = anonymous_client()
    log_in(client, member.user.email)
    time_machine.shift(timedelta(minutes=5))
    client.get("/contatos/")
    member.refresh_from_db()
    assert member.last_seen_at == timezone.now()


def test_purging_keeps_what_is_alive(tenant) -> None:
    client = anonymous_client()
    log_in(client, make_member("agent").user.email)
    sessions.purge()
    assert client.get("/contatos/").status_code == 200
