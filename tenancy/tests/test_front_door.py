"""Around the front door: addresses, names, checks, the local mailbox, tokens out of logs."""

import smtplib
from pathlib import Path

import pytest
from celery import current_app
from django.core import checks
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.test import Client, RequestFactory, override_settings
from django.urls import include, path, reverse
from kombu.exceptions import OperationalError

from evosense.core.errors import Conflict, Invalid
from evosense.core.logging import mask
from evosense.testing.databases import ALPHA
from tenancy.checks import check_mail, check_sign_up
from tenancy.models import Domain
from tenancy.services import links, names, slugs
from tenancy.services.kick import kick

urlpatterns = [path("", include("evosense.urls_local"))]


class TestAddresses:
    @pytest.mark.parametrize(
        ("company", "slug"),
        [
            ("Móveis Aurora Ltda.", "moveis-aurora-ltda"),
            ("A.B.C. & Filhos", "abc-e-filhos"),
            ("Кафе «Роза»", "kafe-roza"),
            ("Ελληνικά Τρόφιμα", "ellinika-trofima"),
            ("Straße Łódź Ğüzel", "strasse-lodz-guzel"),
            ("Alpha", "alpha-2"),
        ],
    )
    def test_a_name_becomes_an_address_that_is_free(self, public, company, slug) -> None:
        assert slugs.suggest(company) == slug

    @pytest.mark.parametrize(
        "company", ["株式会社", "شركة", "🌵🌵", "-", "!!!", "x" * 200, "admin"]
    )
    def test_every_name_gets_an_address_that_may_be_taken(self, public, company) -> None:
        assert slugs.is_free(slugs.suggest(company))

    @pytest.mark.parametrize(
        "slug",
        [
            "xn--abc",
            "ab--c",
            "acme.evil",
            "acme/",
            "ac\nme",
            "a" * 41,
            "",
            "-a",
            "a-",
            "асме",
            "a b",
        ],
    )
    def test_what_is_no_address_or_an_encoded_one_is_refused(self, public, slug) -> None:
        with pytest.raises(Invalid):
            slugs.check(slug)

    @pytest.mark.parametrize("slug", ["www", "adm1n", "a-p-i", "supp0rt", "ev0sense", "whatsapp"])
    def test_reserved_words_and_what_looks_like_them_are_refused(self, public, slug) -> None:
        with pytest.raises(Conflict, match="slug_reserved"):
            slugs.check(slug)

    def test_links_use_the_preferred_domain_that_works(self, public) -> None:
        Domain.objects.filter(tenant_id=ALPHA.id).update(is_primary=False)
        own = Domain.objects.create(
            tenant_id=ALPHA.id, domain="crm.example.com", is_primary=True, is_custom=True
        )
        assert links.domain_of(ALPHA.id) == "crm.example.com"
        Domain.objects.filter(pk=own.pk).update(state="lost")
        assert links.domain_of(ALPHA.id) == "alpha.testserver"

    def test_a_token_is_good_for_its_own_purpose_only(self) -> None:
        token = links.row_token("invitation", ALPHA.id, "n" * 22)
        assert links.read_row_token("invitation", token) == (ALPHA.id, "n" * 22)
        assert links.read_row_token("sign-up", token) is None
        assert links.read_row_token("invitation", token.upper()) is None


class TestNames:
    @pytest.mark.parametrize(
        "name",
        ["José D'Ávila", "محمد الأحمد", "田中さくら", "Nguyễn Văn Á", "Ana 👩‍👧", "O <b>bold</b>"],
    )
    def test_people_may_be_called_as_they_are(self, name) -> None:
        assert names.clean_name(f"  {name} ", field="name", length=120)

    @pytest.mark.parametrize(
        "name",
        ["", "   ", "x" * 121, "a\u202eb", "a\u200bb", "a\x00b", "see www.x.example", "x://y"],
    )
    def test_what_hides_or_leads_away_is_refused(self, name) -> None:
        with pytest.raises(Invalid):
            names.clean_name(name, field="name", length=120)

    def test_a_note_keeps_its_lines_and_says_which_one_hides_something(self) -> None:
        note = names.clean_note(" um \r\n\tdois 👩‍👧  \n\n", field="note", length=20)
        assert note == "um\n dois 👩‍👧"
        assert names.clean_note(" \n ", field="note", length=20) == ""
        with pytest.raises(Invalid) as refusal:
            names.clean_note("um\ndo\u202eis", field="note", length=20)
        assert (refusal.value.field, refusal.value.code) == ("note", "text_hidden")
        assert "2" in str(refusal.value.message)
        with pytest.raises(Invalid):
            names.clean_note("x" * 21, field="note", length=20)


class TestChecks:
    @pytest.mark.parametrize(
        ("check", "overrides", "wanted"),
        [
            (check_mail, {"EMAIL_READY": False}, "tenancy.W001"),
            (
                check_mail,
                {
                    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                    "EMAIL_HOST": "mail.example.com",
                },
                "tenancy.W002",
            ),
            (check_sign_up, {"SIGN_UP_OPEN": True, "SAAS_MODE": False}, "tenancy.E005"),
        ],
    )
    def test_operators_mistakes_have_an_id_and_a_hint(self, check, overrides, wanted) -> None:
        with override_settings(**overrides):
            (found,) = check(None)
        assert isinstance(found, checks.CheckMessage)
        assert found.id == wanted
        assert found.hint

    def test_an_encrypted_server_is_fine(self) -> None:
        with override_settings(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
            EMAIL_HOST="mail.example.com",
            EMAIL_USE_TLS=True,
        ):
            assert check_mail(None) == []


def test_tokens_of_letters_stay_out_of_logs() -> None:
    token = links.row_token("invitation", ALPHA.id, "n" * 22)
    for place in ("convite", "entrar/nova-senha", "criar-conta/confirmar", "criar-conta/pronto"):
        line = mask(f"Not Found: /{place}/{token}/")
        assert token not in line
        assert line.endswith("/[token]/")


def test_an_act_stands_although_the_broker_is_away(public, monkeypatch, caplog) -> None:
    def refuse(*_given: object, **_options: object) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(current_app, "send_task", refuse)
    monkeypatch.setattr(transaction, "on_commit", lambda act, **_options: act())
    kick("tenancy.deliver_mail", mail_id="x")
    assert "sweep" in caplog.text


@pytest.mark.urls("tenancy.tests.test_front_door")
class TestMailbox:
    @pytest.fixture
    def folder(self, settings, tmp_path, public) -> Path:
        settings.MAILBOX_DIR = tmp_path / "mail"
        settings.EMAIL_BACKEND = "evosense.local.mailbox.FolderBackend"
        return settings.MAILBOX_DIR

    def send(self, subject: str = "Olá", html: str = "<head></head><p>Oi</p>") -> None:
        letter = EmailMultiAlternatives(subject, "Oi, texto", "a@example.com", ["b@example.com"])
        letter.attach_alternative(html, "text/html")
        get_connection().send_messages([letter])

    def test_letters_are_files_that_only_their_owner_reads(self, folder) -> None:
        self.send()
        (file,) = folder.glob("*.eml")
        assert file.stat().st_mode & 0o077 == 0
        assert folder.stat().st_mode & 0o077 == 0

    def test_html_is_shown_without_script_or_origin(self, folder) -> None:
        from evosense.local.mailbox_pages import letter_html

        self.send(html="<head></head><script>alert(1)</script>")
        (file,) = folder.glob("*.eml")
        answer = letter_html(RequestFactory().get("/"), name=file.stem)
        assert '<head><base target="_top">' in answer.content.decode()
        policy = answer._csp_config  # type: ignore[attr-defined]
        assert policy["default-src"] == ["'none'"]
        assert "allow-scripts" not in policy["sandbox"]
        assert "allow-same-origin" not in policy["sandbox"]

    def test_newest_first_and_nothing_but_letters_is_opened(self, folder) -> None:
        self.send("Primeira")
        self.send("Segunda <b>")
        (folder / "secret.txt").write_text("no")
        page = Client(HTTP_HOST="alpha.testserver").get(reverse("dev-mailbox")).content.decode()
        assert page.index("Segunda &lt;b&gt;") < page.index("Primeira")
        browser = Client(HTTP_HOST="alpha.testserver")
        assert browser.get("/dev/mailbox?carta=../secret").status_code == 404
        assert browser.get("/dev/mailbox/secret/html").status_code == 404
        browser.post("/dev/mailbox/empty")
        assert list(folder.glob("*.eml")) == []

    def test_the_folder_keeps_the_newest_five_hundred(self, folder, monkeypatch) -> None:
        from evosense.local import mailbox

        monkeypatch.setattr(mailbox, "KEEP", 3)
        for number in range(5):
            self.send(f"Carta {number}")
        assert len(list(folder.glob("*.eml"))) == 3


@pytest.mark.urls("evosense.urls_tenant")
def test_the_mailbox_exists_in_local_use_only(tenant) -> None:
    assert Client(HTTP_HOST="alpha.testserver").get("/dev/mailbox").status_code == 404
    assert Client(HTTP_HOST="testserver").get("/dev/mailbox").status_code == 404


def test_errors_of_servers_name_no_address() -> None:
    error = smtplib.SMTPRecipientsRefused({"ana@example.com": (550, b"no ana@example.com here")})
    assert "ana@" not in mask(str(error))
