"""Migrations of one schema with Django's own executor.

A tenant schema holds, and records, only the migrations of TENANT_APPS.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from evosense.core.schema import TenantRef, public_scope, tenant_scope
from tenancy.db.backend.base import quoted

MigrationKey = tuple[str, str]


def tenant_app_configs() -> list[AppConfig]:
    """Return the apps whose tables every tenant schema has."""
    names = set(settings.TENANT_APPS)
    return [config for config in apps.get_app_configs() if config.name in names]


def tenant_migrations() -> list[MigrationKey]:
    """Return every migration of the tenant apps on disk."""
    labels = {config.label for config in tenant_app_configs()}
    # Without a connection: what is on disk, whatever is applied where.
    nodes = MigrationLoader(None).graph.nodes
    return sorted((str(app), str(name)) for app, name in nodes if app in labels)


def migration_digest() -> str:
    """Return a hash over the text of all tenant migrations; an edited file is another script."""
    digest = hashlib.sha256()
    for config in tenant_app_configs():
        for path in sorted((Path(config.path) / "migrations").glob("[0-9]*.py")):
            digest.update(f"{config.label}/{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def migrate_public(*, verbosity: int = 0) -> None:
    """Bring the shared schema up to date."""
    with public_scope():
        call_command("migrate", verbosity=verbosity, interactive=False)


def migrate_tenant(tenant: TenantRef) -> None:
    """Bring one tenant schema up to date with Django's executor."""
    with tenant_scope(tenant):
        executor = MigrationExecutor(connection)
        labels = {config.label for config in tenant_app_configs()}
        targets = [node for node in executor.loader.graph.leaf_nodes() if node[0] in labels]
        executor.migrate(targets)


def create_schema(tenant: TenantRef) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {quoted(tenant.schema_name)}")


def drop_schema(tenant: TenantRef) -> None:
    """Remove a schema with everything in it; for tests and for deletion after its grace period."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {quoted(tenant.schema_name)} CASCADE")


def pending_tenants(tenants: Iterable[TenantRef]) -> list[TenantRef]:
    """Return the tenants that lack a migration, by one query for each hundred schemas."""
    everyone = list(tenants)
    wanted = len(tenant_migrations())
    applied: dict[str, int] = {}
    for start in range(0, len(everyone), 100):
        applied |= _applied_counts(everyone[start : start + 100])
    return [tenant for tenant in everyone if applied.get(tenant.schema_name, 0) < wanted]


def _applied_counts(tenants: list[TenantRef]) -> dict[str, int]:
    known = [f"{app}.{name}" for app, name in tenant_migrations()]
    branches = [
        f"SELECT %s, count(*) FROM {quoted(tenant.schema_name)}.django_migrations"  # noqa: S608
        " WHERE app || '.' || name = ANY(%s)"
        for tenant in tenants
    ]
    values = [value for tenant in tenants for value in (tenant.schema_name, known)]
    with public_scope(), connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(branches), values)
        return dict(cursor.fetchall())
