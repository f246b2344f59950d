"""Archives that an owner asks for on the page, and the way out of the company."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.schema import public_scope, tenant_scope
from evosense.testing.databases import ALPHA, BETA
from tenancy.archive.importing import open_archive
from tenancy.models import Mail, Tenant, TenantArchive
from tenancy.services import archives, audit
from tenancy.tests import factories

PASSPHRASE = "correct horse battery"


def proved(browser):
    import time

    session = browser.session
    session["proved_at"] = int(time.time())
    session.save()
    return browser


def the_archive():
    with public_scope():
        return TenantArchive.objects.get()


def test_an_owner_asks_gets_a_letter_and_fetches_the_file(tenant, committed):
    browser = proved(factories.client_for("owner"))
    answer = browser.post("/ajustes/dados/exportar/", {"passphrase": PASSPHRASE})
    assert answer["Location"] == "/ajustes/dados/"
    waiting = the_archive()
    assert PASSPHRASE.encode() not in bytes(waiting.passphrase)
    assert archives.make(waiting.pk)
    assert not archives.make(waiting.pk)
    ready = the_archive()
    assert (ready.state, ready.passphrase, ready.rows_done) == ("ready", None, ready.rows)
    assert timedelta(days=6) < ready.expires_at - timezone.now() <= timedelta(days=7)
    with public_scope():
        assert Mail.objects.get(kind="archive_ready").to == ready.requested_by
    page = browser.get("/ajustes/dados/").content.decode()
    assert f"/ajustes/dados/arquivos/{ready.pk}/" in page
    fetched = browser.get(f"/ajustes/dados/arquivos/{ready.pk}/")
    assert "attachment" in fetched["Content-Disposition"]
    assert "no-store" in fetched["Cache-Control"]
    content = b"".join(fetched.streaming_content)
    import io

    head, _members = open_archive(io.BytesIO(content), PASSPHRASE)
    assert (head.tenant["slug"], head.with_secrets) == ("alpha", False)
    with public_scope():
        actions = set(audit.trail_of(ALPHA.id).values_list("action", flat=True))
    assert {"archive.requested", "archive.made", "archive.downloaded"} <= actions


def test_it_asks_for_the_password_first(tenant):
    browser = factories.client_for("owner")
    session = browser.session
    session["proved_at"] = 1
    session.save()
    for path in ("/ajustes/dados/exportar/", "/ajustes/dados/excluir/"):
        answer = browser.post(path, {"passphrase": PASSPHRASE, "slug": "alpha"})
        assert answer["Location"].startswith("/conta/confirmar/")
    with public_scope():
        assert not TenantArchive.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "agent", "supervisor", "admin"])
def test_only_the_owner_may(tenant, role):
    browser = proved(factories.client_for(role))
    assert browser.get("/ajustes/dados/").status_code == 403
    assert browser.post("/ajustes/dados/exportar/").status_code == 403
    assert browser.post("/ajustes/dados/excluir/", {"slug": "alpha"}).status_code == 403


def test_a_short_passphrase_is_refused_beside_its_field(tenant):
    answer = proved(factories.client_for("owner")).post(
        "/ajustes/dados/exportar/", {"passphrase": "short"}
    )
    assert answer.status_code == 422
    assert "passphrase-error" in answer.content.decode()


def test_the_list_shows_every_state(tenant):
    with public_scope():
        for state in TenantArchive.State.values:
            if state != "waiting":
                TenantArchive.objects.create(
                    tenant_id=ALPHA.id, state=state, rows=204_000, rows_done=88_000, size=123_456
                )
    browser = factories.client_for("owner")
    page = browser.get("/ajustes/dados/").content.decode()
    assert "88.000" in page
    assert 'aria-valuenow="43"' in page
    assert 'hx-trigger="every 2s"' in browser.get("/ajustes/dados/arquivos/").content.decode()
    with public_scope():
        TenantArchive.objects.update(state="failed")
    assert "every 2s" not in browser.get("/ajustes/dados/arquivos/").content.decode()


def test_one_at_a_time_and_two_an_hour(tenant, committed):
    first = archives.request(passphrase=PASSPHRASE, asked_by="a@b.co")
    with pytest.raises(Conflict) as raised:
        archives.request(passphrase=PASSPHRASE, asked_by="a@b.co")
    assert raised.value.code == "archive_at_work"
    archives.make(first.pk)
    archives.make(archives.request(passphrase=PASSPHRASE, asked_by="a@b.co").pk)
    with pytest.raises(Conflict) as raised:
        archives.request(passphrase=PASSPHRASE, asked_by="a@b.co")
    assert raised.value.code == "archive_too_often"


def test_another_company_cannot_fetch_it(tenant, committed):
    archive = archives.request(passphrase=PASSPHRASE, asked_by="a@b.co")
    archives.make(archive.pk)
    with pytest.raises(NotFound):
        archives.open_archive(BETA.id, archive.pk)
    stranger = proved(factories.client_for("owner", tenant=BETA))
    assert stranger.get(f"/ajustes/dados/arquivos/{archive.pk}/").status_code == 404


def test_after_seven_days_the_file_is_gone_and_the_row_tells(tenant, committed):
    archive = archives.request(passphrase=PASSPHRASE, asked_by="a@b.co")
    archives.make(archive.pk)
    name = the_archive().file
    assert default_storage.exists(name)
    with public_scope():
        TenantArchive.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotFound):
        archives.open_archive(ALPHA.id, archive.pk)
    archives.sweep()
    assert not default_storage.exists(name)
    assert the_archive().state == "removed"


def test_a_silent_worker_loses_its_archive_to_the_next(tenant, committed):
    archive = archives.request(passphrase=PASSPHRASE, asked_by="a@b.co")
    dead = archives._claim(archive.pk)
    with public_scope():
        TenantArchive.objects.update(heard_at=timezone.now() - timedelta(hours=1))
    archives.sweep()
    assert archives.make(archive.pk)
    # The one thought dead comes back late and changes nothing.
    assert not archives._settle(dead, "failed", error="late")
    assert the_archive().state == "ready"


def test_a_failure_is_told_and_forgets_the_passphrase(tenant, committed, monkeypatch):
    archive = archives.request(passphrase=PASSPHRASE, asked_by="a@b.co")

    def fail(*_arguments, **_options):
        raise OSError("disk full")

    monkeypatch.setattr(archives, "export_tenant", fail)
    assert not archives.make(archive.pk)
    row = the_archive()
    assert (row.state, row.error, row.passphrase) == ("failed", "OSError", None)


def test_deleting_needs_the_address_and_can_be_called_off(tenant, committed):
    browser = proved(factories.client_for("owner"))
    page = browser.get("/ajustes/dados/excluir/").content.decode()
    assert "alpha" in page
    refused = browser.post("/ajustes/dados/excluir/", {"slug": "alfa"})
    assert refused.status_code == 422
    assert "slug-error" in refused.content.decode()
    assert browser.post("/ajustes/dados/excluir/", {"slug": "alpha"}).status_code == 303
    with public_scope():
        assert Tenant.objects.get(pk=ALPHA.id).delete_after is not None
        assert Mail.objects.filter(kind="deletion_asked").count() == 1
    assert browser.get("/conversas/").status_code == 403
    assert browser.post("/ajustes/dados/manter/").status_code == 303
    assert browser.get("/conversas/").status_code == 200


def test_a_bad_passphrase_of_the_last_archive_asks_for_nothing(tenant, committed):
    from tenancy.services import life

    with tenant_scope(ALPHA), pytest.raises(Invalid):
        life.ask_deletion(ALPHA.id, retyped="alpha", archive_passphrase="short")
    with public_scope():
        assert Tenant.objects.get(pk=ALPHA.id).delete_after is None
