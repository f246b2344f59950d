"""Which schemas exist and which migrations they have: a few queries, however many companies."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import DatabaseError, connection, transaction

from evosense.core.schema import TenantRef, public_scope
from tenancy.db.backend.base import quoted
from tenancy.db.fingerprint import batches
from tenancy.db.fleet.plan import plan_group
from tenancy.models import Tenant

AT_ONCE = 100
# A company in its grace period may still be brought back, so its schema keeps up.
WITH_SCHEMA = (Tenant.State.READY, Tenant.State.MOVING, Tenant.State.DELETING)

_FOUND = """
SELECT n.nspname, EXISTS (
  SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'django_migrations')
FROM pg_namespace n WHERE n.nspname = ANY(%s)
"""
_APPLIED = (
    "SELECT %s, md5(coalesce(string_agg(app || '.' || name, ',' ORDER BY app, name), ''))"
    " FROM {schema}.django_migrations"
)


@dataclass
class Survey:
    """The fleet by the hash of what each schema has applied; and what cannot be migrated at all."""

    groups: dict[str, list[TenantRef]] = field(default_factory=dict)
    # Of these no group can be told.
    missing: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    @property
    def tenants(self) -> list[TenantRef]:
        return [tenant for group in self.groups.values() for tenant in group]


def survey(*, slug: str = "") -> Survey:
    """Look at every company, or at one; oldest first."""
    with public_scope():
        rows = Tenant.objects.filter(state__in=WITH_SCHEMA).order_by("pk")
        rows = rows.filter(slug=slug) if slug else rows
        tenants = {row.schema_name: (row.ref, row.state) for row in rows}
        return _sorted_out(tenants)


def pending_tenants(tenants: list[TenantRef]) -> list[TenantRef]:
    """Return those of the tenants that lack a migration."""
    hashes = applied_hashes([tenant.schema_name for tenant in tenants])
    groups: dict[str, list[TenantRef]] = defaultdict(list)
    for tenant in tenants:
        groups[hashes.get(tenant.schema_name, "")].append(tenant)
    lacking = {key for key, group in groups.items() if plan_group(key, group).migrations}
    return [tenant for tenant in tenants if hashes.get(tenant.schema_name, "") in lacking]


def applied_hashes(schemas: list[str]) -> dict[str, str]:
    """Return a hash over the applied migrations of each schema; what cannot be read is left out."""
    found: dict[str, str] = {}
    for batch in batches(schemas, AT_ONCE):
        try:
            found |= _hashes(batch)
        except DatabaseError:
            # One of them went away or holds something else under this name.
            for schema in batch:
                found |= _hash_of_one(schema)
    return found


def applied_hash(schema: str) -> str:
    """Return the hash of one schema that must have a record, inside the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_APPLIED.format(schema=quoted(schema)), [schema])
        return str(cursor.fetchone()[1])


def strays() -> list[str]:
    """Return schemas that look like a company's and belong to none."""
    with public_scope(), connection.cursor() as cursor:
        cursor.execute(
            r"SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\_%%' AND NOT EXISTS"
            " (SELECT FROM tenancy_tenant t WHERE t.schema_name = nspname) ORDER BY 1"
        )
        return [row[0] for row in cursor.fetchall()]


def _sorted_out(tenants: dict[str, tuple[TenantRef, str]]) -> Survey:
    noted = _schemas_found(list(tenants))
    hashes = applied_hashes([schema for schema, has_record in noted.items() if has_record])
    result = Survey()
    for schema, (tenant, state) in tenants.items():
        if schema in hashes:
            result.groups.setdefault(hashes[schema], []).append(tenant)
        elif schema in noted:
            result.missing[tenant.slug] = "its schema has no readable record of migrations"
        elif state != Tenant.State.DELETING:
            result.missing[tenant.slug] = "its schema is missing"
    result.broken = dict(result.missing)
    return result


def _schemas_found(schemas: list[str]) -> dict[str, bool]:
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, [schemas])
        return dict(cursor.fetchall())


def _hashes(schemas: Sequence[str]) -> dict[str, str]:
    names = list(schemas)
    branches = [_APPLIED.format(schema=quoted(name)) for name in names]
    with public_scope(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(branches), names)
        return dict(cursor.fetchall())


def _hash_of_one(schema: str) -> dict[str, str]:
    try:
        return _hashes([schema])
    except DatabaseError:
        return {}
