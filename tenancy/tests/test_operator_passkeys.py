"""Operators' passkeys: a second factor after the password, made by whoever has just come in."""

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from evosense.core.schema import public_scope
from tenancy.models import AuditEntry, Mail
from tenancy.services import mfa
from tenancy.tests import factories
from tenancy.tests.authenticator import Device
from tenancy.tests.operators import give_factor, make_operator

HOUSE = "evosense.test"


@pytest.fixture(autouse=True)
def _house(public, settings):
    settings.PUBLIC_HOST = HOUSE


def browser() -> Client:
    return Client(HTTP_HOST=HOUSE)


def half_way(operator) -> Client:
    """Return a browser in which the operator's password was right."""
    client = browser()
    client.post("/admin/login/", {"email": operator.email, "password": factories.PASSWORD})
    return client


def make(client: Client, key: Device, name: str = "Notebook"):
    options = client.post("/admin/factor/passkeys/options/").json()
    answer = {"name": name, "credential": key.make(options)}
    return client.post("/admin/factor/passkeys/", answer)


def show(client: Client, key: Device):
    options = client.post("/admin/login/passkey/options/").json()
    return client.post("/admin/login/passkey/", {"credential": key.use(options)})


@pytest.fixture
def made():
    """An operator whose only factor is a passkey, made at the first entry."""
    operator, key = make_operator(), Device(f"http://{HOUSE}")
    client = half_way(operator)
    assert b"/admin/factor/passkeys/" in client.get("/admin/factor/").content
    page = make(client, key)
    assert (page.status_code, len(page.context["codes"])) == (200, 10)
    assert client.get("/admin/tenancy/tenant/").status_code == 200
    return operator, key


def test_it_is_the_second_factor_and_never_the_only_one(made):
    operator, key = made
    stranger = browser()
    assert stranger.post("/admin/login/passkey/options/").status_code == 404
    client = half_way(operator)
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert b'data-controller="passkey"' in client.get("/admin/login/code/").content
    assert show(client, key)["Location"] == "/admin/"
    assert client.get("/admin/tenancy/tenant/").status_code == 200
    trail = AuditEntry.objects.filter(tenant=None).order_by("number")
    assert "passkey.added" in trail.values_list("action", flat=True)
    started = trail.filter(action="session.started").last()
    assert started.changes["method"][1] == "password and passkey"


def test_a_passkey_of_somebody_else_or_of_another_page_opens_nothing(made):
    operator, _key = made
    other, theirs = make_operator(), Device(f"http://{HOUSE}")
    make(half_way(other), theirs)
    client = half_way(operator)
    assert show(client, theirs).status_code == 422
    theirs.origin = f"http://alpha.{HOUSE}"
    assert show(half_way(other), theirs).status_code == 422
    assert client.get("/admin/")["Location"].startswith("/admin/login/")


def test_a_password_alone_adds_no_factor_to_an_account_that_has_one(made):
    operator, _key = made
    client = half_way(operator)
    assert client.get("/admin/factor/")["Location"] == "/admin/login/code/"
    assert client.post("/admin/factor/passkeys/options/").status_code == 404
    assert client.post("/admin/factor/passkeys/", {}).status_code == 302
    assert Authenticator.objects.filter(user=operator, type=mfa.PASSKEY).count() == 1


def test_a_second_one_is_added_and_the_last_factor_stays(made):
    operator, key = made
    client = half_way(operator)
    show(client, key)
    assert make(client, Device(f"http://{HOUSE}"), "Key ring")["Location"] == "/admin/factor/"
    assert "Key ring" in client.get("/admin/factor/").text
    assert Mail.objects.filter(kind="mfa_changed", to=operator.email).exists()
    rows = list(Authenticator.objects.filter(user=operator, type=mfa.PASSKEY).order_by("pk"))
    foreign = make_operator()
    make(half_way(foreign), Device(f"http://{HOUSE}"))
    theirs = Authenticator.objects.get(user=foreign, type=mfa.PASSKEY)
    assert client.post(f"/admin/factor/passkeys/{theirs.pk}/remove/").status_code == 404
    for row in rows:
        assert client.post(f"/admin/factor/passkeys/{row.pk}/remove/").status_code == 302
    left = Authenticator.objects.filter(user=operator, type=mfa.PASSKEY)
    assert [row.pk for row in left] == [rows[1].pk], "operators do not come in without a factor"


def test_after_ten_minutes_it_takes_a_new_log_in(made, time_machine):
    operator, key = made
    time_machine.move_to("2026-03-02 12:00:00+00:00", tick=False)
    client = half_way(operator)
    show(client, key)
    time_machine.shift(601)
    page = client.get("/admin/factor/").content
    assert b"/admin/factor/passkeys/" not in page
    assert client.post("/admin/factor/passkeys/options/").status_code == 404
    row = Authenticator.objects.get(user=operator, type=mfa.PASSKEY)
    client.post(f"/admin/factor/passkeys/{row.pk}/remove/")
    assert Authenticator.objects.filter(pk=row.pk).exists()


def test_whoever_has_an_app_is_asked_for_either(made):
    operator, key = made
    with public_scope():
        give_factor(operator)
    page = half_way(operator).get("/admin/login/code/").content
    assert b'data-controller="passkey"' in page
    assert b"one-time-code" in page
    assert show(half_way(operator), key).status_code == 302


@pytest.mark.parametrize("path", ["login/passkey/", "login/passkey/options/", "factor/passkeys/"])
def test_outsiders_find_nothing(path, settings):
    settings.OPERATOR_NETWORKS = ["203.0.113.0/24"]
    answer = browser().post(f"/admin/{path}", REMOTE_ADDR="198.51.100.7")
    assert answer.status_code == 404
