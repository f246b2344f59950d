"""Passkeys: made on one host, good on all hosts of the house, worth nothing anywhere else."""

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA, BETA
from tenancy.allauth_adapter import relying_party
from tenancy.models import Domain
from tenancy.selectors.hosts import forget_hosts
from tenancy.services import mfa
from tenancy.tests.authenticator import Device
from tenancy.tests.factories import make_member
from tenancy.tests.test_login import actions, log_in

HOUSE = "evosense.test"


@pytest.fixture
def hosts(tenant, settings):
    """Both companies below a parent host with a dot, as in production."""
    settings.PUBLIC_HOST = HOUSE
    with public_scope():
        for ref in (ALPHA, BETA):
            host = f"{ref.slug}.{HOUSE}"
            Domain.objects.create(tenant_id=ref.id, domain=host, is_primary=False)
        Domain.objects.create(
            tenant_id=ALPHA.id, domain="chat.alpha.example", is_primary=False, is_custom=True
        )
    forget_hosts()


def browser(name: str = f"alpha.{HOUSE}") -> Client:
    return Client(HTTP_HOST=name)


def device(name: str = f"alpha.{HOUSE}") -> Device:
    return Device(f"http://{name}")


def inside(client: Client, user) -> Client:
    with public_scope():
        client.force_login(user)
    return client


def add(client: Client, key: Device, name: str = "Notebook"):
    options = client.post("/conta/seguranca/chaves/opcoes/").json()
    return client.post("/conta/seguranca/chaves/", {"name": name, "credential": key.make(options)})


def come_in(client: Client, key: Device, **more):
    options = client.post("/entrar/chave/opcoes/").json()
    return client.post("/entrar/chave/", {"credential": key.use(options), **more})


@pytest.fixture
def made(hosts):
    """A person of both companies with a passkey that was made at the first."""
    user = make_member("agent").user
    make_member("viewer", tenant=BETA, user=user)
    key = device()
    answer = add(inside(browser(), user), key)
    assert answer["Location"] == "/conta/seguranca/codigos/"
    return user, key


def test_one_passkey_opens_every_company_of_the_person(made) -> None:
    _user, key = made
    client = browser()
    answer = come_in(client, key, next="/contatos/")
    assert (answer.status_code, answer["Location"]) == (302, "/contatos/")
    assert client.get("/contatos/").status_code == 200
    key.origin = f"http://beta.{HOUSE}"
    other = browser(f"beta.{HOUSE}")
    assert come_in(other, key).status_code == 302
    assert other.get("/contatos/").status_code == 200
    assert actions()[:2] == ["passkey.added", "session.started"]


def test_it_is_a_second_factor_after_the_password(made) -> None:
    user, key = made
    client = browser()
    assert log_in(client, user.email)["Location"].startswith("/entrar/codigo/")
    assert client.get("/contatos/").status_code == 302
    assert come_in(client, key).status_code == 302
    assert client.get("/contatos/").status_code == 200


def test_somebody_elses_passkey_is_no_second_factor(made) -> None:
    user, _key = made
    stranger, theirs = make_member("agent").user, device()
    add(inside(browser(), stranger), theirs)
    client = browser()
    log_in(client, user.email)
    options = client.post("/entrar/chave/opcoes/").json()
    answer = client.post("/entrar/chave/", {"credential": theirs.use(options)})
    assert answer.status_code == 422
    assert client.get("/contatos/").status_code == 302


def test_a_stranger_with_a_passkey_does_not_come_in(hosts) -> None:
    user, key = make_member("agent", tenant=BETA).user, device(f"beta.{HOUSE}")
    add(inside(browser(f"beta.{HOUSE}"), user), key)
    key.origin = f"http://alpha.{HOUSE}"
    assert come_in(browser(), key).status_code == 422


def test_an_answer_from_another_page_is_refused(made) -> None:
    _user, key = made
    for origin in (f"http://beta.{HOUSE}", "http://evil.example", f"https://alpha.{HOUSE}"):
        key.origin = origin
        assert come_in(browser(), key).status_code == 422, origin


def test_a_challenge_is_answered_once(made) -> None:
    _user, key = made
    client = browser()
    answer = key.use(client.post("/entrar/chave/opcoes/").json())
    assert client.post("/entrar/chave/", {"credential": answer}).status_code == 302
    client.post("/sair/")
    client.post("/entrar/chave/opcoes/")
    assert client.post("/entrar/chave/", {"credential": answer}).status_code == 422


def test_a_challenge_for_one_purpose_serves_no_other(made) -> None:
    user, key = made
    client = inside(browser(), user)
    answer = key.use(client.post("/conta/confirmar/chave/opcoes/").json())
    client.logout()
    assert client.post("/entrar/chave/", {"credential": answer}).status_code == 422


def test_a_challenge_that_is_old_counts_no_more(made, time_machine) -> None:
    _user, key = made
    time_machine.move_to("2026-03-02 12:00:00+00:00", tick=False)
    client = browser()
    answer = key.use(client.post("/entrar/chave/opcoes/").json())
    time_machine.shift(301)
    assert client.post("/entrar/chave/", {"credential": answer}).status_code == 422


def test_a_device_that_did_not_check_the_person_is_refused(made) -> None:
    _user, key = made
    key.verifies = False
    assert come_in(browser(), key).status_code == 422


def test_a_copied_device_is_noticed(made) -> None:
    _user, key = made
    key.counter = 7
    assert come_in(browser(), key).status_code == 302
    key.counter = 7
    assert come_in(browser(), key).status_code == 422


@pytest.mark.parametrize(
    "answer", ["", "{", "[]", '{"response": 5}', '{"id": "x", "response": {}}']
)
def test_nonsense_is_refused_with_a_sentence(made, answer) -> None:
    client = browser()
    client.post("/entrar/chave/opcoes/")
    assert client.post("/entrar/chave/", {"credential": answer}).status_code == 422


def test_no_passkeys_on_a_domain_of_the_company(made) -> None:
    user, _key = made
    client = inside(browser("chat.alpha.example"), user)
    page = client.get("/conta/seguranca/").content
    assert b'data-controller="passkey"' not in page
    assert client.post("/conta/seguranca/chaves/opcoes/").status_code == 422
    stranger = browser("chat.alpha.example")
    assert b'data-controller="passkey"' not in stranger.get("/entrar/").content
    log_in(stranger, user.email)
    code_page = stranger.get("/entrar/codigo/").content
    assert b'data-controller="passkey"' not in code_page
    assert b'class="banner"' in code_page, "it says where the passkeys work"


def test_the_name_that_passkeys_belong_to(settings) -> None:
    settings.PUBLIC_HOST = "app.example.com"
    assert relying_party("acme.app.example.com:8000") == "app.example.com"
    assert relying_party("app.example.com") == "app.example.com"
    assert relying_party("chat.acme.com") == ""
    assert relying_party("evilapp.example.com") == ""
    settings.PUBLIC_HOST = "localhost"
    assert relying_party("acme.localhost:8000") == "acme.localhost"


def test_naming_and_removing(made) -> None:
    user, _key = made
    client = inside(browser(), user)
    with public_scope():
        row = Authenticator.objects.get(user=user, type=mfa.PASSKEY)
    client.post(f"/conta/seguranca/chaves/{row.pk}/", {"name": "Celular da Ana"})
    assert b"Celular da Ana" in client.get("/conta/seguranca/").content
    assert client.post(f"/conta/seguranca/chaves/{row.pk}/remover/").status_code == 302
    assert not mfa.has_second_factor(user)
    assert mfa.factors_of(user).recovery_left == 0, "codes without a factor would be a password"
    assert [name for name in actions() if name.startswith("passkey")] == [
        "passkey.added",
        "passkey.renamed",
        "passkey.removed",
    ]


def test_nobody_touches_anothers_passkey(made) -> None:
    user, _key = made
    with public_scope():
        row = Authenticator.objects.get(user=user, type=mfa.PASSKEY)
    client = inside(browser(), make_member("owner").user)
    assert client.post(f"/conta/seguranca/chaves/{row.pk}/", {"name": "mine"}).status_code == 404
    assert client.post(f"/conta/seguranca/chaves/{row.pk}/remover/").status_code == 404


def test_the_same_device_is_added_once(made) -> None:
    user, key = made
    client = inside(browser(), user)
    add(client, key, "Again")
    with public_scope():
        assert Authenticator.objects.filter(user=user, type=mfa.PASSKEY).count() == 1


def test_a_passkey_confirms_a_sensitive_act(made, time_machine) -> None:
    user, key = made
    time_machine.move_to("2026-03-02 12:00:00+00:00", tick=False)
    client = inside(browser(), user)
    time_machine.shift(601)
    refused = client.post("/conta/seguranca/chaves/opcoes/", headers={"HX-Request": "true"})
    assert refused["HX-Redirect"].startswith("/conta/confirmar/?next=")
    options = client.post("/conta/confirmar/chave/opcoes/").json()
    proof = {"credential": key.use(options), "next": "/conta/seguranca/"}
    assert client.post("/conta/confirmar/", proof)["Location"] == "/conta/seguranca/"
    assert client.post("/conta/seguranca/chaves/opcoes/").status_code == 200


def test_other_sessions_end_when_a_factor_is_added(hosts) -> None:
    user = make_member("agent").user
    here, there = inside(browser(), user), inside(browser(), user)
    there.get("/contatos/")
    add(here, device())
    assert here.get("/contatos/").status_code == 200
    assert there.get("/contatos/").status_code == 302
