"""The first member of an archive: whose it is, what made it and what shape its tables have."""

import tomllib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.migrations.recorder import MigrationRecorder

from evosense.core.crypto import tenant_key
from evosense.core.schema import TenantRef, database_cursor, tenant_scope
from tenancy.archive import errors
from tenancy.archive.sealed import FORMAT
from tenancy.archive.tables import Table, tables_of
from tenancy.db.fingerprint import fingerprint
from tenancy.models import Tenant

_CARRIED = ("name", "slug", "plan", "status", "timezone", "locale")


@dataclass(frozen=True)
class Head:
    """See the field names in docs/tenant-archive.md."""

    format: int
    evosense: str
    made_at: str
    tenant: dict[str, str]
    # The key of the address hashes, so that every stored hash stays good; see crypto.tenant_key.
    sender_key: str
    fingerprint: str
    migrations: list[list[str]]
    tables: dict[str, dict[str, Any]]
    with_secrets: bool
    with_raw_events: bool

    @property
    def tenant_id(self) -> UUID:
        return UUID(self.tenant["id"])

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def make_head(
    row: Tenant, tables: dict[str, Table], *, with_secrets: bool, with_raw_events: bool
) -> Head:
    """Describe the tenant as it is in the current transaction."""
    carried = {name: str(getattr(row, name)) for name in _CARRIED}
    return Head(
        format=FORMAT,
        evosense=app_version(),
        made_at=datetime.now(UTC).isoformat(),
        tenant={"id": str(row.id), **carried, "trial_ends_at": _moment(row.trial_ends_at)},
        sender_key=tenant_key(row.ref).hex(),
        fingerprint=fingerprint(row.ref),
        migrations=applied_migrations(row.ref),
        tables={
            name: {"columns": table.columns, "key": table.key} for name, table in tables.items()
        },
        with_secrets=with_secrets,
        with_raw_events=with_raw_events,
    )


def read_head(value: Any) -> Head:
    """Return a head as another house wrote it; refuse formats and shapes that are not known."""
    if not isinstance(value, dict) or not isinstance(value.get("format"), int):
        raise errors.unexpected("head.json")
    if value["format"] > FORMAT:
        raise errors.newer(value["format"])
    try:
        head = Head(**{name: value[name] for name in Head.__dataclass_fields__})
        _check(head)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise errors.unexpected("head.json") from error
    return head


def _check(head: Head) -> None:
    if len(bytes.fromhex(head.sender_key)) != 32:
        raise ValueError("sender_key")
    UUID(head.tenant["id"])
    if head.tenant["trial_ends_at"]:
        datetime.fromisoformat(head.tenant["trial_ends_at"])
    texts: list[Any] = [head.tenant[name] for name in _CARRIED]
    for key in head.migrations:
        app, name = key
        texts += [app, name]
    for shape in head.tables.values():
        texts += [*shape["columns"], *shape["key"]]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("text")


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def applied_migrations(tenant: TenantRef) -> list[list[str]]:
    """Return (app, name) of each migration of the tenant's schema, sorted."""
    with tenant_scope(tenant), database_cursor() as cursor:
        table = MigrationRecorder.Migration._meta.db_table  # noqa: SLF001
        cursor.execute(f"SELECT app, name FROM {table} ORDER BY app, name")  # noqa: S608
        return [list(found) for found in cursor.fetchall()]


def tenant_tables(tenant: TenantRef) -> dict[str, Table]:
    """Return the tables of a tenant by name."""
    with tenant_scope(tenant):
        return tables_of(tenant.schema_name)


@lru_cache(maxsize=1)
def app_version() -> str:
    """Return the version of this EvoSense, as the project file states it."""
    project = Path(settings.BASE_DIR) / "pyproject.toml"
    return str(tomllib.loads(project.read_text())["project"]["version"])
