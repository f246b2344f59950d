"""A schema to import into: in the state of the archive's migrations, filled, then brought up."""

import re

from django.db import connection  # noqa: TID251  (Django's executor asks for it)
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict
from evosense.core.schema import TenantRef, database_cursor, tenant_scope
from tenancy.archive.head import Head
from tenancy.db.fingerprint import fingerprint
from tenancy.db.migrate import MigrationKey, create_schema, migrate_tenant, tenant_migrations
from tenancy.db.provision import play, schema_script

_INDEX = re.compile(r'CREATE (?:UNIQUE )?INDEX "([^"]+)"')


def plan_for(head: Head) -> list[str] | None:
    """Return the recorded statements for the archive's state; None when it is an older one.

    Call it before the transaction: recording rolls back one of its own. Refuses archives that know
    migrations which this code does not.
    """
    known = {tuple(key) for key in tenant_migrations()}
    applied = {tuple(key) for key in head.migrations}
    newer = sorted(applied - known)
    if newer:
        message = _(
            "The archive was made by EvoSense %(version)s and needs %(migration)s, which this one"
            " does not have. Import it with that version or a newer one."
        ) % {"version": head.evosense, "migration": ".".join(newer[0])}
        raise Conflict("archive_schema_newer", message, field="file")
    return schema_script() if applied == known else None


def make_schema(tenant: TenantRef, head: Head, script: list[str] | None) -> list[str]:
    """Create the tenant's tables as the archive's were; returns the statements left for later.

    Those make plain indexes, which is far cheaper over rows that are there. They are taken as they
    were recorded: what PostgreSQL prints of an index is not always read back as the same.
    """
    if script is None:
        create_schema(tenant)
        _migrate_to(tenant, [(app, name) for app, name in head.migrations])
        return []
    later = [statement for statement in script if _can_wait(statement, script)]
    play(tenant, [statement for statement in script if statement not in later])
    with tenant_scope(tenant), database_cursor() as cursor:
        # A migration may have asked for checks at once; rows come in the order of their tables.
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return later


def complete(tenant: TenantRef, head: Head, later: list[str]) -> None:
    """Make what was left, and refuse when the schema comes out other than the archive's."""
    with tenant_scope(tenant), database_cursor() as cursor:
        # A table with checks still waiting cannot be altered; and an error shows here, not later.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in later:
            cursor.execute(statement)
    if fingerprint(tenant) != head.fingerprint:
        raise differs(head)


def differs(head: Head) -> Conflict:
    message = _(
        "The tables of the archive differ from what the same migrations make here. Import it"
        " with EvoSense %(version)s and export it again."
    ) % {"version": head.evosense}
    return Conflict("archive_schema_differs", message, field="file")


def bring_up(tenant: TenantRef, script: list[str] | None) -> None:
    """Apply the migrations that are newer than the archive."""
    if script is None:
        migrate_tenant(tenant)


def _can_wait(statement: str, script: list[str]) -> bool:
    """Tell an index that no other statement speaks of."""
    found = _INDEX.match(statement)
    return found is not None and sum(f'"{found[1]}"' in other for other in script) == 1


def _migrate_to(tenant: TenantRef, applied: list[MigrationKey]) -> None:
    wanted = set(applied)
    with tenant_scope(tenant):
        executor = MigrationExecutor(connection)
        nodes = executor.loader.graph.node_map
        # Only the last of each app: an earlier one after it would be taken for a way back.
        targets = [
            key
            for key in applied
            if not any(
                child.key in wanted and child.key[0] == key[0] for child in nodes[key].children
            )
        ]
        executor.migrate(targets)
