"""Companies by the hundred with the real schema, and a migration more than the project has."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.test.utils import override_settings

from evosense.core.ids import schema_name, uuid7
from evosense.core.schema import TenantRef, public_scope
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
    """The real migrations of `messaging`, and behind them what a benchmark or a test adds."""

    def __init__(self, folder: Path, newest: str) -> None:
        self.folder, self.newest, self.count = folder, newest, 0

    def add_column(self) -> None:
        """Add a migration of one column with a default to every company's pending work."""
        self.count += 1
        column, name = f"overlaid_{self.count}", f"9{self.count:03d}_overlaid"
        text = _MIGRATION.format(after=self.newest, column=column)
        (self.folder / f"{name}.py").write_text(text)
        self.newest = name


@contextmanager
def overlaid() -> Iterator[Overlay]:
    from django.db.migrations.loader import MigrationLoader

    (leaf,) = MigrationLoader(None).graph.leaf_nodes("messaging")
    real = Path(settings.BASE_DIR, "messaging", "migrations")
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root, "overlaid_migrations")
        folder.mkdir()
        (folder / "__init__.py").write_text(f"__path__ = [{str(real)!r}, {str(folder)!r}]\n")
        sys.path.insert(0, root)
        with override_settings(MIGRATION_MODULES={"messaging": "overlaid_migrations"}):
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
    slug = f"fleet{place:05d}"
    return Tenant(
        id=uuid7(), name=slug, slug=slug, schema_name=schema_name(), state="ready", status="active"
    )
