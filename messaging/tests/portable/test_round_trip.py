"""A company filled by the real ingest goes to another installation and is the same there."""

import io
import json
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from evosense.core.crypto import tenant_hmac, tenant_key
from evosense.core.schema import database_cursor, public_scope, tenant_scope
from evosense.testing.databases import ALPHA
from evosense.testing.installations import another_installation
from messaging.gateway.models import EvolutionServer, Lane
from messaging.models import Connection, ConnectionEvent, Contact, ContactMerge, Identity, Message
from messaging.selectors.search import contacts_like
from messaging.tests.ingest.rig import INSTANCE, MANIFEST, deliver_fixture, make_lines, work
from tenancy.archive.compare import compare_archive
from tenancy.archive.export import export_tenant
from tenancy.archive.restore import import_tenant
from tenancy.models import (
    AuditEntry,
    Brand,
    Entitlement,
    Membership,
    Role,
    Tenant,
    User,
    WebhookRoute,
)
from tenancy.services import audit
from tenancy.tests import factories

PASSPHRASE = "correct horse battery staple"


def fill():
    """Give alpha people, settings, a trail, files and everything that the fixtures bring."""
    lines = make_lines()
    for entry in MANIFEST:
        if entry.get("file", "").endswith(".json"):
            deliver_fixture(lines, entry["file"])
    work()
    Connection.objects.filter(instance=INSTANCE).update(server_url="https://evo.example")
    row = Connection.objects.get(instance=INSTANCE)
    row.api_key = "evolution-key\twith a tab\\and a slash\n"
    row.save(update_fields=["api_key"])
    owner = factories.make_member("owner")
    with public_scope():
        role = Role.objects.create(tenant_id=ALPHA.id, name="Tarde", permissions=["contacts.view"])
        factories.make_member("agent", custom_role=role)
        Brand.objects.create(tenant_id=ALPHA.id, name="Alpha", color="#113355", logo=b"\x89PNG\0")
        Entitlement.objects.create(tenant_id=ALPHA.id, name="seats", limit=7)
    winner, loser = Contact.objects.order_by("pk")[:2]
    ContactMerge.objects.create(
        winner=winner, loser=loser, reason="agent", actor_user_id=owner.user_id
    )
    with public_scope():
        EvolutionServer.objects.create(tenant_id=ALPHA.id, name="own", url="https://evo.example")
        Lane.objects.create(connection_id=row.public_id, tenant_id=ALPHA.id, due_at=timezone.now())
    for number in range(3):
        with transaction.atomic():
            audit.record("settings.changed", changes={"name": [str(number), "ação"]})
    default_storage.save(f"tenants/{ALPHA.id}/media/a b.bin", ContentFile(b"\0\xff" * 70_000))
    default_storage.save(f"tenants/{ALPHA.id}/archives/old.evoa", ContentFile(b"x"))
    return owner


def export(**options):
    file = io.BytesIO()
    done = export_tenant(ALPHA, file, passphrase=PASSPHRASE, **options)
    file.seek(0)
    return file, done


def the_tenant(**wanted):
    with public_scope():
        return Tenant.objects.get(**wanted)


@pytest.fixture
def filled(tenant, committed):
    yield fill()
    for name in ("media/a b.bin", "archives/old.evoa"):
        default_storage.delete(f"tenants/{ALPHA.id}/{name}")


def leave_no_alpha():
    """The template has an alpha of its own; another installation has none."""
    from tenancy.db.migrate import drop_schema

    with public_scope():
        Tenant.objects.all().delete()
        drop_schema(ALPHA)


def test_another_installation_holds_the_same_afterwards(filled):
    messages, people = Message.objects.count(), Identity.objects.count()
    phone = Identity.objects.filter(kind="pn").exclude(br_hmac=None).first()
    digits, contact = phone.address, str(phone.contact.public_id)
    hashes = set(map(bytes, Message.objects.exclude(sender=None).values_list("sender", flat=True)))
    file, done = export(with_raw_events=True)
    assert messages > 30
    assert done.files == 1
    with another_installation():
        # A user of that house who has the number of somebody in ours.
        factories.make_user(), factories.make_user()
        leave_no_alpha()
        imported = import_tenant(file, PASSPHRASE)
        row = the_tenant(slug="alpha")
        file.seek(0)
        comparison = compare_archive(file, PASSPHRASE, row)
        assert comparison.different == 0
        assert comparison.rows >= messages + people
        assert row.id == ALPHA.id
        assert row.schema_name != ALPHA.schema_name
        assert imported.audit_broken_at is None
        assert audit.first_broken(ALPHA.id) is None
        with tenant_scope(row.ref):
            assert Message.objects.count() == messages
            assert Connection.objects.get(instance=INSTANCE).api_key.startswith("evolution-key\tw")
            found = Contact.objects.filter(contacts_like(digits))
            assert contact in {str(one.public_id) for one in found}
            assert hashes == set(
                map(bytes, Message.objects.exclude(sender=None).values_list("sender", flat=True))
            )
            known = User.objects.get(pk=ContactMerge.objects.get().actor_user_id)
            assert known.email == filled.user.email
            assert not known.has_usable_password()
            # New rows go on after the old ones.
            assert Contact.objects.create(name="new").pk > Contact.objects.order_by("pk")[0].pk
        with public_scope():
            assert Membership.objects.get(custom_role__name="Tarde").role == "agent"
            assert bytes(Brand.objects.get().logo) == b"\x89PNG\0"
            assert Entitlement.objects.get().limit == 7
            assert WebhookRoute.objects.count() == 2
            # Its origin may be sending the same things at this moment.
            lane = Lane.objects.get()
            assert (lane.state, lane.reason, lane.due_at) == ("paused", "restored", None)
        with default_storage.open(f"tenants/{ALPHA.id}/media/a b.bin") as stored:
            assert stored.read() == b"\0\xff" * 70_000
        assert not default_storage.exists(f"tenants/{ALPHA.id}/archives/old.evoa")


def test_the_ingest_goes_on_where_it_was(filled):
    """What came twice is known, and waiting events are worked off in the new place."""
    before = Message.objects.count()
    lines = {row.instance: row.public_id for row in Connection.objects.all()}
    waiting = deliver_fixture(lines, "020-text-inbound.json")
    assert waiting
    file, _done = export(with_raw_events=True)
    events = set(ConnectionEvent.objects.values_list("raw_event_id", flat=True)) - {None}
    assert events
    with another_installation():
        leave_no_alpha()
        with public_scope(), database_cursor() as cursor:
            cursor.execute("SELECT setval('webhook_events_id_seq', 100000)")
        imported = import_tenant(file, PASSPHRASE)
        assert imported.raw_events > before
        row = the_tenant(slug="alpha")
        with tenant_scope(row.ref):
            moved = set(ConnectionEvent.objects.values_list("raw_event_id", flat=True)) - {None}
            assert len(moved) == len(events)
            assert min(moved) > 100_000
            assert work() == 1
            assert Message.objects.count() == before


def test_a_second_copy_in_the_same_house_is_a_company_of_its_own(filled):
    file, _done = export()
    imported = import_tenant(file, PASSPHRASE, slug="copia")
    copy = the_tenant(slug="copia")
    assert copy.id != ALPHA.id
    assert imported.shared["tenancy_webhookroute"] == 0
    file.seek(0)
    assert compare_archive(file, PASSPHRASE, copy).different == 0
    assert audit.first_broken(copy.id) is None
    with public_scope():
        trail = AuditEntry.objects.filter(tenant_id=copy.id).order_by("number")
        assert trail.last().action == "tenant.imported"
        assert trail.last().changes["origin"] == ["", str(ALPHA.id)]
    with tenant_scope(ALPHA):
        ours = tenant_hmac("pn|1")
    with tenant_scope(copy.ref):
        assert (
            tenant_hmac("pn|1")
            == ours
            == __import__("hmac").digest(tenant_key(ALPHA), b"pn|1", "sha256")
        )
        assert Identity.objects.first().address


def test_ids_of_events_that_stayed_behind_are_emptied(filled):
    assert ConnectionEvent.objects.exclude(raw_event_id=None).exists()
    file, _done = export()
    with another_installation():
        leave_no_alpha()
        import_tenant(file, PASSPHRASE)
        with tenant_scope(the_tenant(slug="alpha").ref):
            assert not ConnectionEvent.objects.exclude(raw_event_id=None).exists()


def test_what_changed_after_the_import_is_counted(filled):
    file, _done = export()
    import_tenant(file, PASSPHRASE, slug="copia")
    copy = the_tenant(slug="copia")
    with tenant_scope(copy.ref):
        Message.objects.filter(pk=Message.objects.order_by("pk")[0].pk).update(text="outro")
        Identity.objects.filter(pk=Identity.objects.order_by("pk")[0].pk).update(
            last_seen=timezone.now() + timedelta(days=1)
        )
        Contact.objects.create(name="new")
    file.seek(0)
    found = compare_archive(file, PASSPHRASE, copy)
    assert {name: one.different for name, one in found.tables.items() if one.different} == {
        "messaging_message": 1,
        "messaging_identity": 1,
        "messaging_contact": 1,
    }


def test_an_archive_for_download_holds_no_secret_and_no_password(filled):
    file, _done = export(with_secrets=False)
    from tenancy.archive.packing import members
    from tenancy.archive.sealed import OpeningReader

    content = b""
    for member in members(OpeningReader(file, PASSPHRASE)):
        if member.name.endswith(".json"):
            content += json.dumps(member.json()).encode()
        else:
            content += b"".join(member.blocks())
    assert b"evolution-key" not in content
    with public_scope():
        for user in User.objects.all():
            assert user.password.encode() not in content
            assert user.email.encode() in content
