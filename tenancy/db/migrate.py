"""Migrations of one schema with Django's own executor.

A tenant schema holds, and records, only the migrations of TENANT_APPS.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from evosense.core.schema import TenantRef, public_scope, tenant_scope
from tenancy.db.backend.base import quoted

MigrationKey = tuple[str, str]
_loading = threading.Lock()


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


def all_atomic() -> bool:
    """Tell whether every tenant migration runs in a transaction of its own."""
    disk = MigrationLoader(None).disk_migrations
    return all(disk[key].atomic for key in tenant_migrations() if key in disk)


def migration_digest() -> str:
    """Return a hash over the text of all tenant migrations; an edited file is another script."""
    digest = hashlib.sha256()
    for config in tenant_app_configs():
        for path in _migration_files(config.label):
            digest.update(f"{config.label}/{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _migration_files(label: str) -> list[Path]:
    module, _explicit = MigrationLoader.migrations_module(label)
    if module is None:
        return []
    folders = [Path(folder) for folder in import_module(module).__path__]
    return sorted(path for folder in folders for path in folder.glob("[!_~]*.py"))


def migrate_public(*, verbosity: int = 0) -> None:
    """Bring the shared schema up to date."""
    with public_scope():
        call_command("migrate", verbosity=verbosity, interactive=False, shared=True)


def migrate_tenant(tenant: TenantRef) -> None:
    """Bring one tenant schema up to date with Django's executor."""
    with tenant_scope(tenant):
        execute_plan()


def execute_plan() -> None:
    """Apply what the active schema lacks; inside a transaction, all of it or nothing."""
    executor = load_executor(progress_callback=_settle)
    executor.migrate(tenant_targets(executor))


def load_executor(progress_callback: Callable[..., None] | None = None) -> MigrationExecutor:
    """Return Django's executor for the active schema.

    Loading reads the packages anew, and a thread that looks on meanwhile finds migrations missing.
    """
    with _loading:
        return MigrationExecutor(connection, progress_callback)


def _settle(action: str, _migration: object = None, _fake: object = None) -> None:
    """Have deferred checks done between migrations, as their own commits would.

    Otherwise rows that one migration wrote keep the next from altering their table.
    """
    if action == "apply_success" and connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def tenant_targets(executor: MigrationExecutor) -> list[MigrationKey]:
    """Return the newest migration of each tenant app."""
    labels = {config.label for config in tenant_app_configs()}
    leaves = executor.loader.graph.leaf_nodes()
    return [(str(app), str(name)) for app, name in leaves if app in labels]


@contextmanager
def impatient(seconds: float) -> Iterator[None]:
    """Have statements of this connection fail that wait longer for a lock.

    A change of a table waits for whoever reads it, and meanwhile everybody else waits for the
    change.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{int(seconds * 1000)}ms'")
    try:
        yield
    finally:
        # In a transaction that failed nothing is left to be reset.
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


def create_schema(tenant: TenantRef) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {quoted(tenant.schema_name)}")


def drop_schema(tenant: TenantRef) -> None:
    """Remove a schema with everything in it; for tests and for deletion after its grace period."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {quoted(tenant.schema_name)} CASCADE")
