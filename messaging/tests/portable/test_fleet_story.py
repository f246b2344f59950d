"""The whole story of a fleet in one test, with the real schema in each of its companies."""

import io
import os

import pytest

from evosense.core.schema import database_cursor, public_scope, tenant_scope
from evosense.testing.databases import ALPHA, BETA
from evosense.testing.installations import another_installation
from evosense.testing.real_fleet import grow, overlaid
from messaging.models import Contact, Message
from messaging.tests import factories
from tenancy.archive.compare import compare_archive
from tenancy.archive.export import export_tenant
from tenancy.archive.restore import import_tenant
from tenancy.db.fleet.check import check_fleet
from tenancy.db.fleet.run import migrate_fleet
from tenancy.db.migrate import drop_schema
from tenancy.models import Tenant
from tenancy.services import deletion, life

pytestmark = pytest.mark.timeout(400)
SIZE = int(os.environ.get("EVOSENSE_FLEET", "60"))
PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def fleet(committed):
    """Work in an installation of its own: so many schemas are dropped, not emptied."""
    with overlaid() as overlay, another_installation("fleet"):
        with public_scope():
            Tenant.objects.all().delete()
            drop_schema(ALPHA), drop_schema(BETA)
        yield overlay, grow(SIZE)


def schemas():
    with public_scope(), database_cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 't\\_%'")
        return cursor.fetchone()[0]


def test_a_fleet_is_migrated_checked_and_one_company_moves_while_another_ends(fleet):
    overlay, companies = fleet
    moving, ending = companies[7], companies[8]
    with tenant_scope(moving):
        for number in range(5):
            factories.make_message(text=f"mensagem {number}")
    overlay.add_column()
    report = migrate_fleet()
    assert (report.is_fine, report.migrated, report.left) == (True, SIZE, 0)
    assert check_fleet().is_fine

    file = io.BytesIO()
    done = export_tenant(moving, file, passphrase=PASSPHRASE)
    assert done.rows >= 5
    with another_installation("elsewhere"):
        file.seek(0)
        import_tenant(file, PASSPHRASE)
        with public_scope():
            copy = Tenant.objects.get(slug=moving.slug)
        file.seek(0)
        assert compare_archive(file, PASSPHRASE, copy).different == 0
        with tenant_scope(copy.ref):
            assert Message.objects.count() == 5

    before = schemas()
    life.ask_deletion(ending.id, retyped=ending.slug, grace_days=0)
    assert deletion.carry_out(ending.id)
    assert schemas() == before - 1
    with public_scope():
        assert not Tenant.objects.filter(pk=ending.id).exists()
    assert check_fleet().is_fine
    with tenant_scope(moving):
        assert Contact.objects.exists()
