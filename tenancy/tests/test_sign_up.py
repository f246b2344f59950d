"""Signing up: nothing exists before the letter's reader confirms, and then once."""

import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings as configured
from django.core import mail as outbox
from django.test import Client
from django.utils import timezone

from evosense.core.errors import Conflict, DomainError, Invalid
from evosense.core.schema import public_scope
from evosense.testing.threads import run_threads
from tenancy.audit_words import sentence_of
from tenancy.models import AuditEntry, Domain, Mail, Membership, RetiredName, SignUp, Tenant, User
from tenancy.services import mail, sign_ups, slugs, tenants
from tenancy.tests import factories

PASSWORD = "um cavalo na varanda"


def wish(**over: Any) -> sign_ups.Wish:
    fields = {
        "name": "Camila Souza",
        "company": "Móveis Norte",
        "slug": "moveis-norte",
        "email": "camila@example.com",
        "password": PASSWORD,
        "locale": "pt-br",
        **over,
    }
    return sign_ups.Wish(**fields)


def begun(**over: Any) -> SignUp:
    row = sign_ups.begin(wish(**over))
    assert row is not None
    return row


def confirmed(row: SignUp, **over: Any) -> SignUp:
    return sign_ups.confirm(sign_ups.token_of(row), **{"slug": "", "password": None, **over})


def form(**over: Any) -> dict[str, str]:
    return {
        "name": "Camila Souza",
        "company": "Móveis Norte",
        "slug": "moveis-norte",
        "email": "camila@example.com",
        "password": PASSWORD,
        "terms": "on",
        "website": "",
        **over,
    }


@pytest.fixture
def browser(public) -> Client:
    return Client(HTTP_HOST=configured.PUBLIC_HOST)


class TestService:
    def test_before_the_letter_is_answered_nothing_but_the_wish_exists(self, public) -> None:
        before = Tenant.objects.count()
        row = begun()
        assert row.password.startswith(("md5$", "argon2"))
        assert PASSWORD not in str(row.__dict__)
        assert Tenant.objects.count() == before
        assert not User.objects.filter(email="camila@example.com").exists()

    def test_confirming_makes_company_owner_address_and_trial(self, public) -> None:
        row = confirmed(begun())
        tenant = Tenant.objects.get(slug="moveis-norte")
        assert (tenant.status, tenant.state, tenant.locale) == ("trial", "provisioning", "pt-br")
        assert tenant.trial_ends_at is not None
        days = (tenant.trial_ends_at - timezone.now()).total_seconds() / 86400
        assert 13.9 < days <= 14
        owner = Membership.objects.get(tenant=tenant)
        assert (owner.role, owner.user.email) == ("owner", "camila@example.com")
        assert owner.user.check_password(PASSWORD)
        assert owner.user.emailaddress_set.get().verified
        assert Domain.objects.get(tenant=tenant).domain == "moveis-norte.testserver"
        trail = AuditEntry.objects.filter(tenant=tenant).order_by("number")
        assert [entry.action for entry in trail] == ["tenant.created", "member.joined"]
        for entry in trail:
            assert entry.action not in sentence_of(entry)
        assert (row.state, row.password) == ("confirmed", "")

    def test_a_second_click_finds_it_done(self, public) -> None:
        row = begun()
        first, second = confirmed(row), confirmed(row)
        assert first.tenant_id == second.tenant_id
        assert Tenant.objects.filter(name="Móveis Norte").count() == 1

    def test_an_expired_letter_makes_nothing_until_it_is_renewed(self, public) -> None:
        row = begun()
        SignUp.objects.update(expires_at=timezone.now())
        with pytest.raises(Conflict, match="sign_up_expired"):
            confirmed(row)
        Mail.objects.update(created_at=timezone.now() - timedelta(hours=25))
        assert sign_ups.resend(row.pk)
        assert confirmed(row).tenant_id

    def test_a_known_person_keeps_account_and_password(self, public) -> None:
        user = factories.make_user(email="camila@example.com")
        row = begun(password="quite another password")
        assert row.password == ""
        confirmed(row)
        user.refresh_from_db()
        assert user.check_password(factories.PASSWORD)
        assert Membership.objects.get(user=user).role == "owner"

    def test_a_stranger_who_used_my_address_does_not_know_my_password(self, public) -> None:
        row = begun(password="the stranger's choice")
        confirmed(row, password="my own long password")
        owner = User.objects.get(email="camila@example.com")
        assert owner.check_password("my own long password")
        assert not owner.check_password("the stranger's choice")

    def test_letters_to_one_address_have_an_end(self, public) -> None:
        rows = [sign_ups.begin(wish(slug=f"norte-{n}")) for n in range(5)]
        assert [bool(row) for row in rows] == [True] * 3 + [False] * 2
        assert Mail.objects.filter(to="camila@example.com").count() == 3
        row = rows[0]
        assert row is not None
        assert not sign_ups.resend(row.pk), "a minute has not passed"
        for _again in range(8):
            Mail.objects.update(created_at=timezone.now() - timedelta(minutes=2))
            sign_ups.resend(row.pk)
        assert Mail.objects.filter(object_id=str(row.pk)).count() == sign_ups.LETTERS

    @pytest.mark.parametrize(
        ("over", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "Eve\r\nBcc: all@example.com\x00"}, "name"),
            ({"name": "\u202eelimaC"}, "name"),
            ({"company": "Win at http://evil.example"}, "company"),
            ({"company": "x" * 161}, "company"),
            ({"slug": "-x"}, "slug"),
            ({"slug": "xn--80ak6aa92e"}, "slug"),
            ({"slug": "admin"}, "slug"),
            ({"slug": "adm1n"}, "slug"),
            ({"slug": "ev0-sense"}, "slug"),
            ({"slug": "асме"}, "slug"),
            ({"slug": "alpha"}, "slug"),
            ({"email": "no address"}, "email"),
            ({"email": "a@b.com\nBcc: x@y.z"}, "email"),
            ({"password": "short"}, "password"),
            ({"password": "telechargement"}, "password"),
            ({"password": "MoveisNorte2026"}, "password"),
            ({"password": "evosense12345!"}, "password"),
            ({"password": "x9" * 65}, "password"),
        ],
    )
    def test_bad_values_are_refused_by_field_and_store_nothing(self, public, over, field) -> None:
        with pytest.raises(DomainError) as raised:
            sign_ups.begin(wish(**over))
        assert raised.value.field == field
        assert not SignUp.objects.exists()
        assert not Mail.objects.exists()

    @pytest.mark.parametrize(
        "company", ["株式会社 山田", "شركة النور", "Кафе «Роза»", "O'Brien & Søn 🌵"]
    )
    def test_names_of_any_alphabet_are_welcome(self, public, company) -> None:
        slug = slugs.suggest(company)
        assert slugs.check(slug) == slug
        row = confirmed(begun(company=company, slug=slug))
        assert row.tenant is not None
        assert row.tenant.name == company

    def test_html_in_a_companys_name_stays_text_in_the_letter(self, public) -> None:
        begun(company='<img src=x onerror="alert(1)"> & Cia')
        mail.sweep()
        (letter,) = outbox.outbox
        html = letter.alternatives[0][0]
        assert "<img" not in html
        assert "&lt;img src=x" in html
        assert '<img src=x onerror="alert(1)"> & Cia' in letter.body
        assert "\n" not in letter.subject

    def test_a_retired_name_is_never_given_out_again(self, public) -> None:
        RetiredName.objects.create(name="moveis-norte")
        with pytest.raises(Conflict, match="slug_taken"):
            sign_ups.begin(wish())
        RetiredName.objects.create(name="norte.testserver")
        with pytest.raises(Conflict, match="slug_taken"):
            tenants.create_tenant(name="Norte", slug="norte")

    def test_old_wishes_are_forgotten(self, public) -> None:
        young, old, done = (begun(slug=f"s{n}", email=f"e{n}@example.com") for n in range(3))
        SignUp.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=8))
        confirmed(done)
        SignUp.objects.filter(pk=done.pk).update(confirmed_at=timezone.now() - timedelta(days=31))
        assert sign_ups.purge() == 2
        assert list(SignUp.objects.values_list("pk", flat=True)) == [young.pk]
        assert Tenant.objects.filter(slug="s2").exists()


def test_two_companies_that_want_one_address_at_once(committed) -> None:
    with public_scope():
        rows = [begun(email=f"p{n}@example.com", company=f"Norte {n}") for n in range(8)]

    def try_one(row: SignUp) -> str:
        try:
            with public_scope():
                confirmed(row)
        except Conflict as error:
            return str(error.code)
        return "won"

    outcomes = run_threads([partial(try_one, row) for row in rows])
    assert sorted(outcomes) == ["slug_taken"] * 7 + ["won"]
    with public_scope():
        loser = SignUp.objects.filter(state="waiting").first()
        assert loser is not None
        assert loser.password
        row = confirmed(loser, slug=slugs.suggest(loser.company))
        assert row.tenant is not None
        assert row.tenant.slug != "moveis-norte"
        assert Tenant.objects.filter(slug="moveis-norte").count() == 1
        assert User.objects.filter(email__startswith="p").count() == 2


def test_a_double_click_on_confirm_makes_one_company(committed) -> None:
    with public_scope():
        token = sign_ups.token_of(begun())

    def click() -> Any:
        with public_scope():
            return sign_ups.confirm(token, slug="", password=None).tenant_id

    assert len(set(run_threads([click] * 8))) == 1
    with public_scope():
        assert Tenant.objects.filter(name="Móveis Norte").count() == 1
        assert Membership.objects.filter(user__email="camila@example.com").count() == 1


class TestPages:
    def test_from_the_form_to_the_waiting_page(self, browser, settings) -> None:
        settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "https", ""
        sent = browser.post("/criar-conta/", form())
        assert (sent.status_code, sent["Location"]) == (302, "/criar-conta/enviado/")
        assert "camila@example.com" in browser.get("/criar-conta/enviado/").content.decode()
        link = letter_link()
        assert link.startswith("https://testserver/criar-conta/confirmar/")
        path = link.removeprefix("https://testserver")
        assert browser.get(path).status_code == 200
        assert not Tenant.objects.filter(slug="moveis-norte").exists(), "reading makes nothing"
        done = browser.post(path, {})
        assert done.status_code == 302
        waiting = browser.get(done["Location"]).content.decode()
        assert "hx-get" in waiting
        Tenant.objects.filter(slug="moveis-norte").update(state="ready")
        polled = browser.get(done["Location"], HTTP_HX_REQUEST="true")
        assert polled["HX-Redirect"] == (
            "https://moveis-norte.testserver/entrar/?email=camila%40example.com"
        )
        assert browser.get(path)["Location"] == done["Location"]

    def test_a_failed_preparation_is_said_and_tried_again(self, browser) -> None:
        row = confirmed(begun())
        address = f"/criar-conta/pronto/{sign_ups.token_of(row)}/"
        Tenant.objects.filter(pk=row.tenant_id).update(state="failed", state_error="boom at x")
        page = browser.get(address).content.decode()
        assert 'role="alert"' in page
        assert "boom" not in page
        assert browser.post(address).status_code == 302
        assert Tenant.objects.get(pk=row.tenant_id).state == "provisioning"

    def test_known_and_unknown_addresses_get_the_same_answer_and_other_letters(self, browser):
        factories.make_user(email="known@example.com")
        answers = []
        for email, slug in (("known@example.com", "k1"), ("new@example.com", "n1")):
            answer = Client(HTTP_HOST="testserver").post(
                "/criar-conta/", form(email=email, slug=slug)
            )
            answers.append((answer.status_code, answer["Location"], sorted(answer.cookies)))
        assert answers[0] == answers[1]
        kinds = dict(Mail.objects.values_list("to", "kind"))
        assert kinds == {
            "known@example.com": "sign_up_known",
            "new@example.com": "sign_up_confirm",
        }

    def test_another_browser_must_bring_a_password(self, browser) -> None:
        browser.post("/criar-conta/", form())
        path = f"/criar-conta/confirmar/{sign_ups.token_of(SignUp.objects.get())}/"
        other = Client(HTTP_HOST="testserver")
        assert 'name="password"' in other.get(path).content.decode()
        assert 'name="password"' not in browser.get(path).content.decode()
        refused = other.post(path, {"password": ""})
        assert refused.status_code == 422
        assert not Tenant.objects.filter(slug="moveis-norte").exists()
        assert other.post(path, {"password": "another fine password"}).status_code == 302
        assert User.objects.get(email="camila@example.com").check_password("another fine password")

    def test_an_address_that_was_taken_meanwhile_can_be_chosen_again(self, browser) -> None:
        browser.post("/criar-conta/", form())
        tenants.create_tenant(name="Faster", slug="moveis-norte")
        path = f"/criar-conta/confirmar/{sign_ups.token_of(SignUp.objects.get())}/"
        page = browser.get(path).content.decode()
        assert 'value="moveis-norte-2"' in page
        refused = browser.post(path, {"slug": "moveis-norte"})
        assert refused.status_code == 422
        assert "Móveis Norte" in refused.content.decode()
        assert browser.post(path, {"slug": "moveis-norte-2"}).status_code == 302
        assert Tenant.objects.get(slug="moveis-norte-2").name == "Móveis Norte"

    def test_a_forged_host_does_not_reach_the_letter(self, browser) -> None:
        browser.post("/criar-conta/", form(), HTTP_X_FORWARDED_HOST="evil.example")
        assert "evil" not in letter_link()
        answer = Client(HTTP_HOST="evil.example").post("/criar-conta/", form(slug="x9"))
        assert answer.status_code == 404
        assert SignUp.objects.count() == 1

    def test_programs_that_fill_in_everything_believe_that_it_worked(self, browser) -> None:
        answer = browser.post("/criar-conta/", form(website="http://spam.example"))
        assert (answer.status_code, answer["Location"]) == (302, "/criar-conta/enviado/")
        assert not SignUp.objects.exists()

    def test_one_network_address_signs_up_ten_times_an_hour(self, browser) -> None:
        statuses = [
            browser.post("/criar-conta/", form(email=f"x{n}@example.com", slug=f"x{n}")).status_code
            for n in range(12)
        ]
        assert statuses == [302] * 10 + [429] * 2

    def test_mistakes_come_back_with_what_was_typed_but_the_password(self, browser) -> None:
        answer = browser.post("/criar-conta/", form(slug="alpha", terms=""))
        page = answer.content.decode()
        assert answer.status_code == 422
        assert 'value="camila@example.com"' in page
        assert PASSWORD not in page
        refused = browser.post("/criar-conta/", form(slug="alpha")).content.decode()
        assert 'id="id_slug-error"' in refused

    def test_the_address_is_suggested_and_checked_while_typing(self, browser) -> None:
        def ask(**values: str) -> str:
            return browser.get(
                "/criar-conta/endereco/", values, HTTP_HX_REQUEST="true"
            ).content.decode()

        assert 'value="cafe-do-ze"' in ask(company="Café do Zé")
        assert 'value="alpha-2"' in ask(company="Alpha")
        assert "mine.testserver" in ask(slug="mine", company="Café", suggested="cafe")
        assert "c-bad" in ask(slug="alpha")
        assert "c-bad" in ask(slug="www")
        assert "<script" not in ask(slug="<script>alert(1)</script>")

    @pytest.mark.parametrize("path", ["confirmar", "pronto", "renovar"])
    def test_a_torn_link_is_explained(self, browser, path) -> None:
        for token in ("x", "0" * 60, "a.b"):
            method = browser.post if path == "renovar" else browser.get
            assert method(f"/criar-conta/{path}/{token}/").status_code == 404

    def test_an_expired_link_offers_a_new_one(self, browser) -> None:
        row = begun()
        SignUp.objects.update(expires_at=timezone.now())
        Mail.objects.update(created_at=timezone.now() - timedelta(hours=25))
        token = sign_ups.token_of(row)
        page = browser.get(f"/criar-conta/confirmar/{token}/")
        assert page.status_code == 410
        assert f"/criar-conta/renovar/{token}/" in page.content.decode()
        assert browser.post(f"/criar-conta/renovar/{token}/").status_code == 302
        assert Mail.objects.count() == 2
        assert browser.get(f"/criar-conta/confirmar/{token}/").status_code == 200

    def test_a_closed_installation_takes_nobody(self, browser, settings) -> None:
        settings.SIGN_UP_OPEN = False
        assert browser.get("/criar-conta/").status_code == 404
        assert browser.post("/criar-conta/", form()).status_code == 404
        assert "/criar-conta/" not in browser.get("/").content.decode()
        assert not SignUp.objects.exists()


def letter_link() -> str:
    mail.sweep()
    (link,) = set(re.findall(r"https?://\S+", outbox.outbox[-1].body))
    return link


def test_a_password_of_the_house_or_company_is_not_accepted_later_either(public) -> None:
    from tenancy.services import people

    user = factories.make_member("agent").user
    with pytest.raises(Invalid):
        people.check_password("4lpha-alpha-1!", user)
    people.check_password("alpha, beta and a long walk", user)
