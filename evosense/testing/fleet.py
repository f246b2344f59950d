"""300 companies with small schemas in a database of their own, for tests of fleet migrations.

The tenant apps get other migrations through MIGRATION_MODULES: a package whose path holds the small
base of `tenancy/tests/fleet_migrations` and a folder of the test, into which `Fleet.add` writes the
next migration. A module makes the fleet once; each test works on a copy of its database.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections
from django.test.utils import override_settings

from evosense.core.ids import schema_name
from evosense.core.schema import TenantRef, public_scope, tenant_scope
from evosense.testing.databases import (
    _clone,
    _ensure_template,
    _lock,
    _maintenance_connection,
    _use,
)
from tenancy.db.migrate import drop_schema
from tenancy.db.provision import play, schema_script
from tenancy.models import Domain, Tenant

SIZE = 300
FIRST = UUID("0199b000-0000-7000-8000-000000000000").int
BASE = "tenancy.tests.fleet_migrations"
NOTHING = "tenancy.tests.no_migrations"
_HEAD = """
from django.contrib.postgres import operations as postgres
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "{after}")]
"""


@dataclass
class Fleet:
    """A copy of the fleet's database, with a place for migrations of the test."""

    folder: Path
    package: str
    newest: str = "initial"
    added: list[str] = field(default_factory=list)

    @property
    def tenants(self) -> list[TenantRef]:
        with public_scope():
            return [row.ref for row in Tenant.objects.order_by("pk")]

    def add(self, operations: str, *, atomic: bool = True, before: str = "") -> str:
        """Write the next migration and return its name; `before` is code in front of the class."""
        name = f"{len(self.added) + 2:04d}_case"
        body = f"    atomic = {atomic}\n    operations = [{operations}]\n"
        head = _HEAD.format(after=self.newest).replace("\n\nclass", f"\n{before}\n\nclass", 1)
        (self.folder / self.package / f"{name}.py").write_text(head + body)
        self.newest = name
        self.added.append(name)
        return name

    def sql(self, tenant: TenantRef, statement: str) -> list[Any]:
        with tenant_scope(tenant), connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def with_column(self, name: str) -> int:
        """Count the schemas whose parcels have this column."""
        with public_scope(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM information_schema.columns WHERE column_name = %s"
                " AND table_name = 'messaging_parcel'",
                [name],
            )
            return int(cursor.fetchone()[0])

    def keep(self, number: int) -> list[TenantRef]:
        """Forget all but the first few companies; their schemas stay."""
        kept = self.tenants[:number]
        with public_scope():
            Tenant.objects.exclude(pk__in=[tenant.id for tenant in kept]).delete()
        return kept

    def process(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a management command as a process that sees the same migrations and database."""
        found = connection.get_connection_params()
        address = f"{found['user']}:{found['password']}@{found['host']}:{found['port']}"
        modules = f"MIGRATION_MODULES = {modules_with(self.package)!r}\n"
        text = f"from evosense.settings.test import *\n{modules}"
        (self.folder / "fleet_settings.py").write_text(text)
        environment = os.environ | {
            "DATABASE_URL": f"postgres://{address}/{found['dbname']}",
            "DJANGO_SETTINGS_MODULE": "fleet_settings",
            "PYTHONPATH": str(self.folder),
        }
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def tenants_command(*arguments: str) -> tuple[dict[str, Any], str]:
    """Return what `manage.py tenants` printed, and its refusal."""
    out = StringIO()
    try:
        call_command("tenants", *arguments, stdout=out)
    except CommandError as error:
        return json.loads(out.getvalue() or "{}"), str(error)
    return json.loads(out.getvalue()), ""


def modules_with(package: str) -> dict[str, str]:
    """Return MIGRATION_MODULES for the tenant apps: one has the package, the others nothing."""
    labels = [each.label for each in apps.get_app_configs() if each.name in settings.TENANT_APPS]
    return dict.fromkeys(labels, NOTHING) | {"messaging": package}


@contextmanager
def fleet_base(size: int = SIZE) -> Iterator[str]:
    """Make a fleet in a database of its own and yield its name."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    usual, name = settings.DATABASES["default"]["NAME"], f"test_evosense_{worker}_fleet"
    _copy("", name)
    try:
        _use(name)
        with override_settings(MIGRATION_MODULES=modules_with(BASE)):
            _fill(size)
        _use(usual)
        yield name
    finally:
        _use(usual)
        _drop(name)


@contextmanager
def fleet_copy(base: str, folder: Path) -> Iterator[Fleet]:
    """Point Django at a copy of the fleet, its migrations at a new package."""
    usual, name = settings.DATABASES["default"]["NAME"], f"{base}_copy"
    package = f"fleet_case_{uuid4().hex[:8]}"
    own = folder / package
    own.mkdir()
    base_folder = Path(settings.BASE_DIR, *BASE.split("."))
    (own / "__init__.py").write_text(f"__path__ = [{str(base_folder)!r}, {str(own)!r}]\n")
    sys.path.insert(0, str(folder))
    _copy(base, name)
    try:
        _use(name)
        with override_settings(MIGRATION_MODULES=modules_with(package)):
            yield Fleet(folder, package)
    finally:
        sys.path.remove(str(folder))
        _use(usual)
        _drop(name)


def _copy(source: str, name: str) -> None:
    connections.close_all()
    with closing(_maintenance_connection()) as server:
        if source:
            _clone(server, source, name)
            return
        usual = settings.DATABASES["default"]["NAME"]
        with _lock(server):
            template = _ensure_template(server)
        _use(usual)
        _clone(server, template, name)


def _drop(name: str) -> None:
    connections.close_all()
    with closing(_maintenance_connection()) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _fill(size: int) -> None:
    with public_scope():
        for tenant in Tenant.objects.all():
            drop_schema(tenant.ref)
        Domain.objects.all().delete()
        Tenant.objects.all().delete()
        rows = [
            Tenant(
                # In order, as those of companies are that were not made in one millisecond.
                id=UUID(int=FIRST + number),
                name=f"Company {number}",
                slug=f"c{number:03d}",
                schema_name=schema_name(),
                state=Tenant.State.READY,
            )
            for number in range(1, size + 1)
        ]
        Tenant.objects.bulk_create(rows)
        script = schema_script()
        for row in Tenant.objects.all():
            play(row.ref, script)
