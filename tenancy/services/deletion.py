"""The deletion of a company, step by step. Each step may be repeated; a kill costs nothing.

What stays: the names (`RetiredName`), so that nobody else ever gets them, and the trail of who did
what, until its own retention. People who work for nobody else here are deactivated, not deleted.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from evosense.core import streams
from evosense.core.locks import named_lock
from evosense.core.models import Reencryption
from evosense.core.schema import database_cursor, public_scope
from tenancy.archive import files
from tenancy.archive.places import owner_of
from tenancy.archive.raw import raw_store
from tenancy.archive.shared import shared_tables
from tenancy.db import fair
from tenancy.db.backend.base import quoted
from tenancy.db.tickets import LANES
from tenancy.models import (
    ApiKey,
    Domain,
    Invitation,
    Membership,
    RetiredName,
    SupportGrant,
    Tenant,
    TenantArchive,
    User,
    WebhookRoute,
)
from tenancy.selectors.hosts import forget_hosts
from tenancy.services import audit, retired

logger = logging.getLogger(__name__)

# How long a last archive that does not get ready may hold a deletion up.
ARCHIVE_PATIENCE = timedelta(days=1)
# Receivers keep what they could not store on their own disk; it may arrive this much later.
REMAINS = timedelta(days=30)
_LOCK_SECONDS = 10
_AT_WORK = [TenantArchive.State.WAITING, TenantArchive.State.RUNNING]


@dataclass(frozen=True)
class Doomed:
    """A company on its way out, as every step needs it."""

    id: UUID
    slug: str
    name: str
    # Its own schema and those of copies that were restored beside it.
    schemas: tuple[str, ...]
    copies: tuple[UUID, ...]


def due() -> list[UUID]:
    """Return the companies whose grace is over or whose deletion was interrupted."""
    with public_scope():
        over = Tenant.objects.filter(delete_after__lte=timezone.now())
        begun = Tenant.objects.filter(state=Tenant.State.DELETING)
        return list((over | begun).order_by("delete_after").values_list("pk", flat=True))


def carry_out(tenant_id: UUID) -> bool:
    """Delete a company that is due, from wherever an earlier attempt got to.

    False when it is not due, waits for its last archive, or is gone already.
    """
    with named_lock(f"delete:{tenant_id}"):
        if not _begin(tenant_id):
            return False
        doomed = _read(tenant_id)
        for step in STEPS:
            step(doomed)
            logger.info("deletion of %s: %s done", tenant_id, step.__name__)
    return True


def sweep_remains() -> int:
    """Remove what arrived late for companies that were deleted lately; returns how many rows."""
    since = timezone.now() - REMAINS
    with public_scope():
        recent = RetiredName.objects.filter(retired_at__gte=since).exclude(tenant_id=None)
        ids = {found for found in recent.values_list("tenant_id", flat=True) if found}
        ids -= set(Tenant.objects.filter(pk__in=ids).values_list("pk", flat=True))
    found = 0
    for tenant_id in ids:
        found += _purge_raw(tenant_id) + files.delete_files(tenant_id) + _purge_redis(tenant_id)
    return found


def _begin(tenant_id: UUID) -> bool:
    """Pass the point of no return."""
    with public_scope(), transaction.atomic():
        tenant = Tenant.objects.select_for_update().filter(pk=tenant_id).first()
        if tenant is None:
            return False
        if tenant.state == Tenant.State.DELETING:
            return True
        now = timezone.now()
        if tenant.delete_after is None or tenant.delete_after > now:
            return False
        at_work = TenantArchive.objects.filter(tenant=tenant, state__in=_AT_WORK)
        if at_work.exists() and now < tenant.delete_after + ARCHIVE_PATIENCE:
            return False
        Tenant.objects.filter(pk=tenant_id).update(state=Tenant.State.DELETING)
        audit.record(
            "tenant.deletion_begun",
            object_type="tenant",
            object_id=tenant_id,
            object_label=tenant.slug,
            tenant_id=tenant_id,
        )
    forget_hosts()
    return True


def _read(tenant_id: UUID) -> Doomed:
    with public_scope():
        tenant = Tenant.objects.get(pk=tenant_id)
        others = Tenant.objects.filter(state=Tenant.State.MOVING)
        copies = [
            other
            for other in others
            if {owner_of(other.schema_name), owner_of(_aside(other.schema_name))} & {tenant_id}
        ]
    return Doomed(
        id=tenant.pk,
        slug=tenant.slug,
        name=tenant.name,
        schemas=(tenant.schema_name, *(copy.schema_name for copy in copies)),
        copies=tuple(copy.pk for copy in copies),
    )


def close_doors(doomed: Doomed) -> None:
    """End routes, keys, invitations, support and the sessions on its hosts."""
    now = timezone.now()
    with public_scope(), transaction.atomic():
        WebhookRoute.objects.filter(tenant_id=doomed.id).update(is_active=False)
        ApiKey.objects.filter(tenant_id=doomed.id, revoked_at=None).update(revoked_at=now)
        Invitation.objects.filter(tenant_id=doomed.id, state=Invitation.State.OPEN).update(
            state=Invitation.State.REVOKED, closed_at=now
        )
        SupportGrant.objects.filter(tenant_id=doomed.id, state=SupportGrant.State.OPEN).update(
            state=SupportGrant.State.ENDED, ended_at=now, ended_by="deletion"
        )
        _end_sessions(doomed.id)
        with database_cursor() as cursor:
            cursor.execute("NOTIFY webhook_routes")
    streams.close(doomed.id)


def set_aside(doomed: Doomed) -> None:
    """Rename the schemas, so that whoever still writes fails instead of racing with the drop."""
    for schema in doomed.schemas:
        with public_scope(), transaction.atomic(), database_cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
            if _exists(cursor, schema):
                cursor.execute(f"ALTER SCHEMA {quoted(schema)} RENAME TO {_quoted_aside(schema)}")


def drop(doomed: Doomed) -> None:
    """Drop the schemas, each in a transaction of its own: locks on every table are taken."""
    for schema in doomed.schemas:
        with public_scope(), transaction.atomic(), database_cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
            cursor.execute(f"DROP SCHEMA IF EXISTS {_quoted_aside(schema)} CASCADE")


def purge_raw(doomed: Doomed) -> None:
    """Delete its raw events and the media that came inside them."""
    _purge_raw(doomed.id)


def purge_files(doomed: Doomed) -> None:
    """Delete its files, archives included."""
    files.delete_files(doomed.id)


def purge_redis(doomed: Doomed) -> None:
    """Delete its keys and its place in the fair rings."""
    for tenant_id in (doomed.id, *doomed.copies):
        _purge_redis(tenant_id)


def purge_rows(doomed: Doomed) -> None:
    """Delete its shared rows and itself, keep its names, and tell the platform's trail."""
    with public_scope(), transaction.atomic():
        people = list(
            Membership.objects.filter(tenant_id=doomed.id).values_list("user_id", flat=True)
        )
        # A claim without proof may be of anybody's name: its owner must go on being able to use it.
        proved = Domain.objects.filter(tenant_id=doomed.id, state=Domain.State.ACTIVE)
        hosts = list(proved.values_list("domain", flat=True))
        counts = {
            entry.name: entry.rows(doomed.id).delete()[0]
            for entry in reversed(shared_tables())
            if not entry.kept
        }
        Reencryption.objects.filter(schema_name__in=doomed.schemas).delete()
        if hosts:
            # A copy beside has no host: nobody outside ever knew its name.
            names = {doomed.slug, retired.host_of(doomed.slug), *hosts}
            retired.retire(names, tenant_id=doomed.id)
        deactivated = _deactivate_strays(people)
        Tenant.objects.filter(pk__in=doomed.copies).delete()
        Tenant.objects.filter(pk=doomed.id).delete()
        audit.record(
            "tenant.deleted",
            object_type="tenant",
            object_id=doomed.id,
            object_label=doomed.slug,
            changes={
                "name": [doomed.name, ""],
                "rows": [sum(counts.values()), 0],
                "people_deactivated": [0, deactivated],
            },
        )
    forget_hosts()


STEPS: tuple[Callable[[Doomed], None], ...] = (
    close_doors,
    set_aside,
    drop,
    purge_raw,
    purge_files,
    purge_redis,
    purge_rows,
)


def _purge_raw(tenant_id: UUID) -> int:
    total = 0
    while True:
        with transaction.atomic():
            count = raw_store().purge(tenant_id)
        if not count:
            return total
        total += count


def _purge_redis(tenant_id: UUID) -> int:
    for kind in LANES:
        fair.forget_tenant(kind, tenant_id)
    client: Any = streams.redis_client()
    total, batch = 0, []
    for key in client.scan_iter(match=f"t:{tenant_id}:*", count=1000):
        batch.append(key)
        if len(batch) == 500:
            total += client.unlink(*batch)
            batch = []
    return total + (int(client.unlink(*batch)) if batch else 0)


def _end_sessions(tenant_id: UUID) -> None:
    hosts = set(Domain.objects.filter(tenant_id=tenant_id).values_list("domain", flat=True))
    people = Membership.objects.filter(tenant_id=tenant_id).values("user_id")
    rows = [
        row
        for row in UserSession.objects.filter(user_id__in=people)
        if str(row.data.get("host", "")).rpartition(":")[0] in hosts
        or row.data.get("host", "") in hosts
    ]
    Session.objects.filter(session_key__in=[row.session_key for row in rows]).delete()
    UserSession.objects.filter(pk__in=[row.pk for row in rows]).delete()


def _deactivate_strays(people: list[int]) -> int:
    """Deactivate who works for no company any more and does not run the house."""
    busy = Membership.objects.filter(user_id__in=people, is_active=True).values("user_id")
    strays = User.objects.filter(pk__in=people, is_staff=False, is_active=True).exclude(pk__in=busy)
    keys = UserSession.objects.filter(user__in=strays).values_list("session_key", flat=True)
    Session.objects.filter(session_key__in=list(keys)).delete()
    return strays.update(is_active=False)


def _exists(cursor: Any, schema: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema])
    return cursor.fetchone() is not None


def _aside(schema: str) -> str:
    return "zz_" + schema.removeprefix("t_")


def _quoted_aside(schema: str) -> str:
    # Checked under its own name first; the other prefix is no tenant's.
    quoted(schema)
    return f'"{_aside(schema)}"'
