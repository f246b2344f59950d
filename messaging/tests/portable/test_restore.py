"""One company back in time: a copy beside, compared, swapped in, swapped back."""

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from evosense.core.errors import Conflict
from evosense.core.schema import public_scope, tenant_scope
from evosense.testing.databases import ALPHA, BETA
from evosense.testing.threads import run_threads
from messaging.models import Contact, Identity
from messaging.selectors.search import contacts_like
from messaging.tests import factories
from tenancy.archive.compare import compare_archive, compare_tenants
from tenancy.archive.export import export_tenant
from tenancy.archive.restore import import_tenant, interrupted_swaps, swap
from tenancy.db.fingerprint import structure_lines
from tenancy.models import Tenant
from tenancy.selectors.hosts import forget_hosts
from tenancy.services import audit, deletion, life
from tenancy.services.tenants import find_tenant

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def archive(tenant, committed):
    factories.make_contact("Ana", address="5511987654321")
    factories.make_message()
    file = io.BytesIO()
    export_tenant(ALPHA, file, passphrase=PASSPHRASE)
    file.seek(0)
    yield file
    # The template's company must keep its own schema for the tests that follow.
    with public_scope():
        others = Tenant.objects.exclude(pk__in=[ALPHA.id, BETA.id])
        if find_tenant(slug="alpha").schema_name != ALPHA.schema_name and others.exists():
            swap(slug="alpha", with_slug=others.get().slug, wait=0)


def restored(archive):
    import_tenant(archive, PASSPHRASE, beside="alpha")
    archive.seek(0)
    return find_tenant(slug="alpha-restored")


def test_a_copy_beside_is_the_archive_and_disturbs_nobody(archive):
    copy = restored(archive)
    company = find_tenant(slug="alpha")
    assert structure_lines(copy.schema_name) == structure_lines(company.schema_name)
    assert compare_archive(archive, PASSPHRASE, copy).different == 0
    assert compare_tenants(company, copy).different == 0
    assert copy.state == "moving"
    Contact.objects.filter(name="Ana").update(name="Bia")
    found = compare_tenants(company, copy)
    assert {name: one.different for name, one in found.tables.items() if one.different} == {
        "messaging_contact": 1
    }


def test_a_copy_beside_is_not_exported(archive, monkeypatch, tmp_path):
    restored(archive)
    monkeypatch.setenv("EVOSENSE_ARCHIVE_PASSPHRASE", PASSPHRASE)
    with pytest.raises(CommandError, match="alpha-restored"):
        call_command("tenant_export", "--tenant=alpha-restored", f"--to={tmp_path / 'x'}")
    assert not list(tmp_path.iterdir())


def test_swapping_brings_the_old_rows_back_and_again_undoes_it(archive):
    restored(archive)
    Contact.objects.filter(name="Ana").update(name="Errada")
    swapped = swap(slug="alpha", with_slug="alpha-restored", wait=0)
    company = find_tenant(slug="alpha")
    assert (company.id, company.state) == (ALPHA.id, "ready")
    assert (company.schema_name, swapped.before) == (swapped.schema_name, ALPHA.schema_name)
    with tenant_scope(company.ref):
        assert Contact.objects.filter(contacts_like("11987654321")).get().name == "Ana"
        assert Identity.objects.get(contact__name="Ana").address == "5511987654321"
    swap(slug="alpha", with_slug="alpha-restored", wait=0)
    with tenant_scope(find_tenant(slug="alpha").ref):
        assert Contact.objects.filter(contacts_like("11987654321")).get().name == "Errada"
    with public_scope():
        actions = list(audit.trail_of(ALPHA.id).order_by("number").values_list("action", flat=True))
    assert actions[-3:] == ["tenant.restored_beside", "tenant.swapped", "tenant.swapped"]


def test_a_company_that_stands_still_says_so_and_a_swap_that_died_is_reported(archive, client):
    restored(archive)
    assert interrupted_swaps() == [], "the copy beside is where it should be"
    with public_scope():
        Tenant.objects.filter(pk=ALPHA.id).update(state="moving")
    forget_hosts()
    page = client.get("/conversas/", headers={"host": "alpha.testserver"})
    assert (page.status_code, page["Retry-After"]) == (503, "30")
    assert "EvoSense" in page.text
    answer = client.get("/api/v1/messages", headers={"host": "alpha.testserver"})
    assert (answer.status_code, answer.json()["code"]) == (503, "moving")
    assert interrupted_swaps() == ["alpha"]
    swap(slug="alpha", with_slug="alpha-restored", wait=0)
    assert interrupted_swaps() == []
    assert client.get("/entrar/", headers={"host": "alpha.testserver"}).status_code == 200


def test_two_swaps_at_once_swap_once(archive):
    restored(archive)

    def act():
        try:
            return swap(slug="alpha", with_slug="alpha-restored", wait=0.5).schema_name
        except Conflict as error:
            return error.code

    outcome = run_threads([act, act])
    assert outcome.count("swap_changed") == 1


def test_only_a_copy_of_the_same_company_is_swapped_in(archive):
    with pytest.raises(Conflict) as raised:
        swap(slug="alpha", with_slug="beta", wait=0)
    assert raised.value.code == "swap_not_a_copy"
    with pytest.raises(Conflict) as raised:
        import_tenant(archive, PASSPHRASE, beside="beta")
    assert raised.value.code == "archive_of_another"


def test_the_copy_can_be_deleted_and_goes_with_its_company(archive):
    copy = restored(archive)
    life.ask_deletion(copy.id, retyped="alpha-restored", grace_days=0)
    assert deletion.carry_out(copy.id)
    with tenant_scope(ALPHA):
        assert Contact.objects.filter(name="Ana").exists()
