"""Deletion: nothing of the company is left, others are untouched, and a kill costs nothing."""

import io
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from evosense.core.errors import Conflict, Invalid
from evosense.core.ids import uuid7
from evosense.core.outbox import Event, emit
from evosense.core.schema import database_cursor, public_scope, tenant_scope
from evosense.core.streams import publish, redis_client
from evosense.testing.databases import ALPHA, BETA
from evosense.testing.threads import run_threads
from messaging.models import Contact
from tenancy.archive import shared
from tenancy.archive.export import export_tenant
from tenancy.archive.restore import import_tenant
from tenancy.db import fair
from tenancy.models import (
    ApiKey,
    AuditEntry,
    Brand,
    Domain,
    Entitlement,
    Feature,
    Invitation,
    RetiredName,
    Role,
    SecurityPolicy,
    SupportGrant,
    Tenant,
    TenantArchive,
    TenantUsage,
    User,
    WebhookRoute,
)
from tenancy.services import (
    archives,
    audit,
    deletion,
    domains,
    invitations,
    life,
    sign_ups,
    tenants,
)
from tenancy.services.keys import create_key
from tenancy.tests import factories

PASSPHRASE = "correct horse battery"
# What stays on purpose: who did what, until its own retention, and names nobody else may get.
KEPT = {"tenancy_auditentry", "tenancy_retiredname"}


def make_company(slug="acme"):
    """A company with something in every place where something can be."""
    tenant = tenants.create_tenant(
        name="Acme", slug=slug, owner_email=f"dona@{slug}.com", owner_password=PASSPHRASE
    )
    tenant = tenants.provision_now(tenant.id)
    now = timezone.now()
    with public_scope():
        role = Role.objects.create(tenant=tenant, name="Tarde", permissions=[])
        factories.make_member("agent", tenant=tenant.ref, custom_role=role)
        Invitation.objects.create(
            tenant=tenant, email="x@y.z", role="agent", nonce="n", custom_role=role,
            expires_at=now + timedelta(days=1),
        )  # fmt: skip
        SecurityPolicy.objects.create(tenant=tenant)
        Brand.objects.create(tenant=tenant, name="Acme")
        Entitlement.objects.create(tenant=tenant, name="seats", limit=3)
        Feature.objects.get_or_create(name="new-inbox")[0].tenants.add(tenant)
        SupportGrant.objects.create(
            tenant=tenant, operator_id=1, reason="because", expires_at=now + timedelta(hours=1)
        )
        TenantUsage.objects.create(tenant=tenant, computed_at=now)
        route = WebhookRoute.objects.create(
            id=uuid7(), tenant=tenant, instance="evs", token_hash=b"h" * 32
        )
        create_key(tenant_id=tenant.id, name="erp", scopes=["all"])
    _fill_log(tenant, route)
    default_storage.save(f"tenants/{tenant.id}/media/1/a.bin", ContentFile(b"bytes"))
    default_storage.save(f"tenants/{tenant.id}/archives/a.evoa", ContentFile(b"bytes"))
    publish(tenant.id, "messages", {"ids": [1]})
    redis_client().set(f"t:{tenant.id}:cache:x", 1)
    for kind in ("ai", "maintenance"):
        fair.push(kind, tenant_id=tenant.id, task="tests.nothing", kwargs={})
    with tenant_scope(tenant.ref):
        with transaction.atomic():
            emit(_Happened())
        Contact.objects.create(name="a customer")
    return tenant


@dataclass(frozen=True, slots=True)
class _Happened(Event):
    topic: ClassVar[str] = "tests.happened"


def _fill_log(tenant, route):
    blob = uuid7()
    with public_scope(), database_cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.webhook_blobs (id, received_at, sha256, size, content)"
            " VALUES (%s, now(), '\\x00', 1, '\\x00')",
            [blob],
        )
        cursor.execute("SELECT received_at FROM public.webhook_blobs WHERE id = %s", [blob])
        at = cursor.fetchone()[0]
        body = json.dumps({"data": {"base64": {"$blob": str(blob)}}}).encode()
        for number, blob_id in enumerate((blob, None, None)):
            cursor.execute(
                "INSERT INTO public.webhook_events (received_at, tenant_id, connection_id,"
                " dedupe_key, body, blob_id, status) VALUES (%s, %s, %s, '\\x00', %s, %s, %s)",
                [at, tenant.id, route.pk, body, blob_id, number % 2],
            )


def where_it_is(tenant_id):
    """Look for the company in every public table with a column of its own, files and Redis."""
    found = {}
    with public_scope(), database_cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
            " AND NOT c.relispartition AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped"
        )
        for table, column in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*) FROM public."{table}" WHERE "{column}" = %s',  # noqa: S608
                [tenant_id],
            )
            if count := cursor.fetchone()[0]:
                found[table] = count
        cursor.execute("SELECT count(*) FROM public.webhook_blobs")
        if count := cursor.fetchone()[0]:
            found["webhook_blobs"] = count
    client = redis_client()
    for key in client.scan_iter():
        kind, text = client.type(key), str(tenant_id).encode()
        values = {
            b"list": lambda k: b"".join(client.lrange(k, 0, -1)),
            b"hash": lambda k: repr(client.hgetall(k)).encode(),
            b"set": lambda k: b"".join(client.smembers(k)),
        }.get(kind, lambda k: b"")(key)
        # A note that forbids streams for two minutes, so that no late ticket opens one.
        if (text in key or text in values) and not key.endswith(b":closed"):
            found[key.decode()] = 1
    found |= dict.fromkeys(_files(f"tenants/{tenant_id}"), 1)
    return found


def _files(folder):
    try:
        inside, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}/{name}" for name in names)
    for name in inside:
        yield from _files(f"{folder}/{name}")


def schemas():
    with public_scope(), database_cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^(t|zz)_'")
        return {row[0] for row in cursor.fetchall()}


def delete_now(tenant):
    life.ask_deletion(tenant.id, retyped=tenant.slug, grace_days=0)
    return deletion.carry_out(tenant.id)


def test_every_shared_table_of_companies_is_known_to_archives_and_deletions():
    assert shared.forgotten_tables() == []


def test_nothing_is_left_and_the_other_company_is_untouched(committed):
    tenant = make_company()
    other = make_company("other")
    before = where_it_is(other.id)
    assert len(where_it_is(tenant.id)) > 20
    assert delete_now(tenant)
    assert set(where_it_is(tenant.id)) - {"webhook_blobs"} == KEPT
    assert where_it_is(other.id) == {**before, "webhook_blobs": 1}
    assert schemas() == {ALPHA.schema_name, BETA.schema_name, other.schema_name}
    with tenant_scope(other.ref):
        assert Contact.objects.count() == 1
    assert not deletion.carry_out(tenant.id)


def test_people_of_no_other_company_are_deactivated_and_the_platform_remembers(committed):
    tenant = make_company()
    both = factories.make_member("agent", tenant=tenant.ref).user
    factories.make_member("viewer", tenant=ALPHA, user=both)
    delete_now(tenant)
    with public_scope():
        assert not User.objects.get(email="dona@acme.com").is_active
        assert User.objects.get(pk=both.pk).is_active
        entry = AuditEntry.objects.filter(tenant=None).order_by("-number")[0]
        assert (entry.action, entry.object_label) == ("tenant.deleted", "acme")
    assert audit.first_broken(None) is None
    assert audit.first_broken(tenant.id) is None


def test_a_company_that_comes_back_brings_its_people_back(committed):
    tenant = make_company()
    gone = factories.make_member("agent", tenant=tenant.ref, is_active=False).user
    closed = factories.make_member("agent", tenant=tenant.ref).user
    factories.make_member("viewer", tenant=ALPHA, user=closed)
    file = io.BytesIO()
    export_tenant(tenant.ref, file, passphrase=PASSPHRASE)
    delete_now(tenant)
    with public_scope():
        User.objects.filter(pk=closed.pk).update(is_active=False)
    file.seek(0)
    import_tenant(file, PASSPHRASE)
    with public_scope():
        assert User.objects.get(email="dona@acme.com").is_active
        assert not User.objects.get(pk=gone.pk).is_active
        # Closed by an operator: it belongs to another company and was no stray.
        assert not User.objects.get(pk=closed.pk).is_active


def test_people_of_a_deleted_company_may_sign_up_and_be_invited_again(committed):
    tenant = make_company()
    colleague = factories.make_member("agent", tenant=tenant.ref).user
    delete_now(tenant)
    wish = sign_ups.Wish("Dona", "Outra", "outra", "dona@acme.com", PASSPHRASE)
    row = sign_ups.begin(wish)
    with public_scope():
        assert not User.objects.get(email="dona@acme.com").is_active, "the letter opens it"
    assert sign_ups.confirm(sign_ups.token_of(row), slug="", password=None).tenant_id
    invitations.invite(ALPHA.id, colleague.email, "viewer")
    with public_scope():
        assert User.objects.get(pk=colleague.pk).is_active


def test_its_names_are_never_given_out_again(committed):
    tenant = make_company()
    delete_now(tenant)
    with public_scope():
        names = set(RetiredName.objects.values_list("name", flat=True))
    assert names == {"acme", "acme.testserver"}
    with pytest.raises(Conflict) as raised:
        tenants.create_tenant(name="New", slug="acme")
    assert raised.value.code == "slug_taken"


@pytest.mark.parametrize("state", ["pending", "lost"])
def test_a_name_that_was_only_claimed_stays_its_owners(committed, state):
    tenant, rightful = make_company(), make_company("other")
    claim = domains.add_domain(tenant.id, host="chat.rightful.example")
    with public_scope():
        Domain.objects.filter(pk=claim.pk).update(state=state)
    delete_now(tenant)
    assert domains.add_domain(rightful.id, host="chat.rightful.example").state == "pending"


def test_two_deletions_at_once_delete_once(committed):
    tenant, other = make_company(), make_company("other")
    for each in (tenant, other):
        life.ask_deletion(each.id, retyped=each.slug, grace_days=0)
    done = run_threads(
        [lambda: deletion.carry_out(tenant.id)] * 2 + [lambda: deletion.carry_out(other.id)] * 2
    )
    assert sorted(done[:2]) == sorted(done[2:]) == [False, True]
    with public_scope():
        assert AuditEntry.objects.filter(tenant=None, action="tenant.deleted").count() == 2
    assert schemas() == {ALPHA.schema_name, BETA.schema_name}


def test_a_wrong_slug_deletes_nothing(committed):
    tenant = make_company()
    with pytest.raises(Invalid) as raised:
        life.ask_deletion(tenant.id, retyped="acme2")
    assert (raised.value.code, raised.value.field) == ("slug_differs", "slug")
    with public_scope():
        tenant.refresh_from_db()
    assert (tenant.delete_after, tenant.status) == (None, "trial")


def test_the_grace_holds_and_can_be_called_off(committed):
    tenant = make_company()
    when = life.ask_deletion(tenant.id, retyped=" ACME ")
    assert timedelta(days=13) < when - timezone.now() <= timedelta(days=14)
    assert not deletion.carry_out(tenant.id)
    with public_scope():
        tenant.refresh_from_db()
        assert (tenant.status, tenant.state) == ("suspended", "ready")
        assert WebhookRoute.objects.get(tenant=tenant).is_active
        assert ApiKey.objects.get(tenant=tenant).revoked_at is None
    with pytest.raises(Conflict):
        life.ask_deletion(tenant.id, retyped="acme")
    with pytest.raises(Conflict):
        life.resume(tenant.id)
    life.cancel_deletion(tenant.id)
    with public_scope():
        tenant.refresh_from_db()
    assert (tenant.status, tenant.delete_after, tenant.suspend_reason) == ("trial", None, "")
    with pytest.raises(Conflict):
        life.cancel_deletion(tenant.id)


def test_a_company_that_was_suspended_before_stays_so(committed):
    tenant = make_company()
    life.suspend(tenant.id, reason="invoice 12 is open", cause="payment")
    life.ask_deletion(tenant.id, retyped="acme")
    life.cancel_deletion(tenant.id)
    with public_scope():
        tenant.refresh_from_db()
    assert (tenant.status, tenant.suspend_reason) == ("suspended", "invoice 12 is open")
    life.resume(tenant.id)
    with public_scope():
        tenant.refresh_from_db()
    assert tenant.status == "trial"


def test_the_last_archive_is_waited_for_but_not_for_ever(committed):
    tenant = make_company()
    life.ask_deletion(
        tenant.id, retyped="acme", grace_days=0, asked_by="a@b.co", archive_passphrase=PASSPHRASE
    )
    assert not deletion.carry_out(tenant.id)
    with public_scope():
        archive = TenantArchive.objects.get(tenant=tenant)
    assert archives.make(archive.pk)
    with public_scope():
        archive.refresh_from_db()
        assert archive.passphrase is None
    assert deletion.carry_out(tenant.id)
    second = make_company("second")
    life.ask_deletion(second.id, retyped="second", grace_days=0, archive_passphrase=PASSPHRASE)
    with public_scope():
        Tenant.objects.filter(pk=second.id).update(delete_after=timezone.now() - timedelta(days=2))
    assert deletion.carry_out(second.id)


def test_what_a_receiver_brings_late_is_swept(committed):
    tenant = make_company()
    delete_now(tenant)
    with public_scope(), database_cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.webhook_events (tenant_id, connection_id, dedupe_key, body)"
            " VALUES (%s, %s, '\\x00', '\\x7b7d')",
            [tenant.id, uuid7()],
        )
    redis_client().set(f"t:{tenant.id}:cache:late", 1)
    assert deletion.sweep_remains() >= 2
    assert set(where_it_is(tenant.id)) == KEPT
