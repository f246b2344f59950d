"""Companies by the hundred, and migrations that exist for the length of a benchmark."""

import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test.utils import override_settings

from evosense.core.ids import schema_name, uuid7
from evosense.core.schema import TenantRef, public_scope, tenant_scope
from tenancy.db.fleet.crew import work_through
from tenancy.db.provision import play, schema_script
from tenancy.models import Domain, Tenant

_MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "{after}")]
    operations = [
        migrations.AddField("connection", "{column}", models.TextField(db_default=""))
    ]
"""


class Overlay:
    """The real migrations of `messaging`, and behind them what the benchmark adds."""

    def __init__(self, folder: Path, newest: str) -> None:
        self.folder, self.newest, self.count = folder, newest, 0

    def add_column(self) -> None:
        """Add a migration of one column with a default to every company's pending work."""
        self.count += 1
        column, name = f"bench_{self.count}", f"9{self.count:03d}_bench"
        text = _MIGRATION.format(after=self.newest, column=column)
        (self.folder / f"{name}.py").write_text(text)
        self.newest = name


@contextmanager
def overlaid() -> Iterator[Overlay]:
    from django.db.migrations.loader import MigrationLoader  # noqa: PLC0415

    (leaf,) = MigrationLoader(None).graph.leaf_nodes("messaging")
    real = Path(settings.BASE_DIR, "messaging", "migrations")
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root, "bench_migrations")
        folder.mkdir()
        (folder / "__init__.py").write_text(f"__path__ = [{str(real)!r}, {str(folder)!r}]\n")
        sys.path.insert(0, root)
        with override_settings(MIGRATION_MODULES={"messaging": "bench_migrations"}):
            yield Overlay(folder, leaf[1])
        sys.path.remove(root)


def grow(number: int) -> list[TenantRef]:
    """Make companies until there are so many; returns all of them, oldest first."""
    with public_scope():
        script = schema_script()
        have = Tenant.objects.count()
        rows = [_row(place) for place in range(have + 1, number + 1)]
        work_through(
            [row.ref for row in rows], lambda ref: play(ref, script), workers=2, stopped=never
        )
        Tenant.objects.bulk_create(rows)
        Domain.objects.bulk_create(
            Domain(tenant=row, domain=f"{row.slug}.{settings.PUBLIC_HOST}", is_primary=True)
            for row in rows
        )
        return [row.ref for row in Tenant.objects.order_by("slug")]


def never() -> bool:
    return False


def _row(place: int) -> Tenant:
    slug = f"bench{place:05d}"
    return Tenant(
        id=uuid7(), name=slug, slug=slug, schema_name=schema_name(), state="ready", status="active"
    )


def touch(tenant: TenantRef) -> None:
    """Ask what the pages of a company ask for most."""
    from messaging.models import Connection, Contact, Conversation, Message  # noqa: PLC0415

    with tenant_scope(tenant):
        list(Connection.objects.all()[:5])
        list(Conversation.objects.select_related("contact", "connection").order_by("-id")[:30])
        list(Message.objects.filter(conversation_id=1).order_by("-occurred_at", "-id")[:30])
        list(Contact.objects.prefetch_related("identities").order_by("-id")[:30])


def backends() -> list[float]:
    """Return the own memory of each server process of a client, in MB."""
    from django.db import connection  # noqa: PLC0415, TID251

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [anonymous_mb(pid) for (pid,) in cursor.fetchall()]


def anonymous_mb(pid: int) -> float:
    """Return what a process holds beside files and shared buffers; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon")), 0.0)


def in_threads(number: int, act: Callable[[int], Any]) -> None:
    threads = [threading.Thread(target=act, args=(place,)) for place in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
