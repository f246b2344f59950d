"""What a company demands on every page: a second factor, hours; and what passes all the same."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA
from tenancy.models import SecurityPolicy, Tenant
from tenancy.selectors.policy import GRACE, policy_of
from tenancy.services import mfa
from tenancy.tests.factories import (
    PASSWORD,
    anonymous_client,
    client_for,
    make_api_key,
    make_member,
)
from tenancy.tests.test_login import actions, code_at, log_in, with_app

OFFICE = [[["08:00", "18:00"]]] * 5 + [[], []]
PAGES = ["/", "/contatos/", "/conversas/", "/conta/", "/conta/eventos/", "/conta/sessoes/"]


@pytest.fixture
def policy(tenant):
    def change(**values) -> None:
        with public_scope():
            SecurityPolicy.objects.update_or_create(tenant_id=ALPHA.id, defaults=values)

    return change


@pytest.fixture
def mfa_now(policy):
    policy(mfa_for="everybody", mfa_grace_until=timezone.now() - timedelta(minutes=1))


def test_a_new_company_asks_its_managers_after_two_weeks(tenant) -> None:
    with public_scope():
        created = Tenant.objects.get(pk=ALPHA.id).created_at
    found = policy_of(ALPHA.id)
    assert (found.mfa_for, found.mfa_grace_until) == ("managers", created + GRACE)


def test_in_grace_pages_open_and_say_until_when(policy) -> None:
    until = timezone.now() + timedelta(days=3)
    shown = until.astimezone(ZoneInfo("America/Sao_Paulo"))
    policy(mfa_for="managers", mfa_grace_until=until)
    owner = client_for("owner").get("/contatos/")
    assert owner.status_code == 200
    assert shown.strftime("%d/%m/%Y") in owner.content.decode()
    assert b"banner warn flush" not in client_for("agent").get("/contatos/").content


def test_after_grace_only_the_way_to_a_second_factor_is_open(mfa_now) -> None:
    client = client_for("viewer")
    for path in PAGES:
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, "/conta/seguranca/"), path
    fragment = client.get("/contatos/", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment["HX-Redirect"]) == (401, "/conta/seguranca/")
    for path in ("/conta/seguranca/", "/conta/seguranca/app/", "/conta/confirmar/"):
        assert client.get(path).status_code == 200, path


def test_whoever_sets_one_up_goes_on(mfa_now) -> None:
    client = client_for("viewer")
    page = client.get("/conta/seguranca/app/").content.decode()
    secret = re.search(r'id="secret" value="(\w+)"', page).group(1)
    from allauth.mfa.utils import encrypt

    code = code_at(encrypt(secret), timezone.now().timestamp())
    answer = client.post("/conta/seguranca/app/", {"code": code})
    assert (answer.status_code, answer["Location"]) == (302, "/conta/seguranca/codigos/")
    assert len(re.findall(r"\d{5}-\d{5}", client.get(answer["Location"]).content.decode())) >= 10
    assert not re.search(r"\d{5}-\d{5}", client.get(answer["Location"]).content.decode())
    assert client.get("/contatos/").status_code == 200
    assert "mfa.enabled" in actions()


def test_a_company_without_the_demand_asks_nobody(policy) -> None:
    policy(mfa_for="nobody")
    assert client_for("owner").get("/contatos/").status_code == 200


def test_api_keys_do_not_pass_the_gate(mfa_now, policy) -> None:
    policy(login_hours=[[]] * 7, login_hours_roles=["admin", "agent", "viewer"])
    client = anonymous_client()
    answer = client.get("/api/v1/contacts", headers={"Authorization": f"Bearer {make_api_key()}"})
    assert answer.status_code == 200


def test_the_last_factor_stays_while_it_is_demanded(mfa_now) -> None:
    member = make_member("agent")
    client = anonymous_client()
    with public_scope():
        client.force_login(member.user)
    with_app(member.user, 0)
    client.post("/conta/seguranca/app/remover/")
    assert mfa.has_second_factor(member.user)


def test_a_reset_password_does_not_go_around_the_second_factor(tenant) -> None:
    from tenancy.services import password_reset

    member = make_member("agent")
    with_app(member.user, 0)
    token = password_reset.token_of(member.user)
    password_reset.set_password(token, "entirely different words")
    client = anonymous_client()
    answer = log_in(client, member.user.email, "entirely different words")
    assert answer["Location"].startswith("/entrar/codigo/")
    assert client.get("/contatos/").status_code == 302


# Monday 2 March 2026 at 07:30 in São Paulo.
EARLY = "2026-03-02 10:30:00+00:00"


def test_outside_the_hours_log_in_is_refused_with_the_next_opening(policy, time_machine) -> None:
    time_machine.move_to(EARLY, tick=False)
    policy(mfa_for="nobody", login_hours=OFFICE, login_hours_roles=["agent", "owner"])
    agent, owner, viewer = (make_member(role) for role in ("agent", "owner", "viewer"))
    answer = log_in(anonymous_client(), agent.user.email)
    assert answer.status_code == 422
    assert "08:00" in answer.content.decode()
    wrong = log_in(anonymous_client(), agent.user.email, "wrong wrong wrong")
    assert "08:00" not in wrong.content.decode(), "hours are told to members only"
    assert log_in(anonymous_client(), owner.user.email).status_code == 302, "never locked out"
    assert log_in(anonymous_client(), viewer.user.email).status_code == 302
    time_machine.move_to("2026-03-02 11:00:00+00:00", tick=False)
    assert log_in(anonymous_client(), agent.user.email).status_code == 302


def test_a_session_ends_politely_when_the_hours_end(policy, time_machine) -> None:
    time_machine.move_to("2026-03-06 20:59:00+00:00", tick=False)
    policy(mfa_for="nobody", login_hours=OFFICE, login_hours_roles=["agent"])
    client = anonymous_client()
    log_in(client, make_member("agent").user.email)
    assert client.get("/contatos/").status_code == 200
    time_machine.move_to("2026-03-06 21:00:00+00:00", tick=False)
    answer = client.get("/contatos/")
    assert (answer.status_code, answer["Location"]) == (302, "/entrar/")
    assert "9/3" in client.get("/entrar/").content.decode()
    assert actions()[-1] == "session.ended"


def test_the_second_step_asks_for_the_hours_again(policy, time_machine) -> None:
    time_machine.move_to("2026-03-06 20:59:00+00:00", tick=False)
    policy(mfa_for="nobody", login_hours=OFFICE, login_hours_roles=["agent"])
    member = make_member("agent")
    sealed = with_app(member.user, 0)
    client = anonymous_client()
    log_in(client, member.user.email, PASSWORD)
    time_machine.move_to("2026-03-06 21:00:00+00:00", tick=False)
    code = code_at(sealed, timezone.now().timestamp())
    assert client.post("/entrar/codigo/", {"code": code}).status_code == 422
    assert client.get("/contatos/").status_code == 302
