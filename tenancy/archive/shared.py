"""What the shared schema holds of a company: what goes into an archive, comes back, or is deleted.

Every shared table with a column for its company must be listed here; a test compares the list with
the models, so that a new table cannot be forgotten by an export or by a deletion.
"""

import base64
import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db.models import BinaryField, Field, Model, QuerySet

from evosense.core.models import AnsweredRequest, OutboxEvent
from tenancy import models
from tenancy.archive.raw import raw_tables

BATCH = 500


@dataclass(frozen=True)
class Shared:
    """How one shared table takes part. `withheld` columns never leave the house."""

    model: type[Model]
    carried: bool = False
    restored: bool = False
    # Outlives the company: proof of what happened, names that must not be given out again.
    kept: bool = False
    withheld: frozenset[str] = frozenset()
    # Of rows with an id that is taken in this house, the one that was here stays.
    yields: bool = False
    # What withheld columns say of rows that came by an archive.
    arrival: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.model._meta.db_table)  # noqa: SLF001

    def rows(self, tenant_id: UUID) -> QuerySet[Any]:
        return self.model._default_manager.filter(tenant_id=tenant_id)  # noqa: SLF001


_SHARED: dict[str, Shared] = {}


def register_shared(model: type[Model], **how: Any) -> None:
    """Say how the rows of a shared table with a `tenant_id` are archived and deleted."""
    entry = Shared(model, **how)
    _SHARED[entry.name] = entry


def shared_tables() -> list[Shared]:
    """Return the tables in the order in which they may be restored; delete in reverse."""
    return list(_SHARED.values())


def forgotten_tables() -> list[str]:
    """Return the shared tables with a column for their company that nobody has registered."""
    found, known = [], _SHARED.keys() | raw_tables()
    for config in apps.get_app_configs():
        if config.name in settings.TENANT_APPS:
            continue
        for model in config.get_models(include_auto_created=True):
            columns = {each.column for each in model._meta.concrete_fields}  # noqa: SLF001
            if "tenant_id" in columns and model._meta.db_table not in known:  # noqa: SLF001
                found.append(str(model._meta.db_table))  # noqa: SLF001
    return sorted(found)


def lines(entry: Shared, tenant_id: UUID) -> Generator[bytes, None, None]:
    """Yield the table's rows of one company as JSON lines."""
    shape = _membership if entry.model is models.Membership else plain
    rows = entry.rows(tenant_id).order_by("pk")
    if entry.model is models.Membership:
        rows = rows.select_related("user", "custom_role")
    for row in rows.iterator(chunk_size=BATCH):
        yield as_line(shape(row, entry.withheld))


def plain(row: Model, withheld: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return a row by column name."""
    return {
        each.attname: getattr(row, each.attname)
        for each in row._meta.concrete_fields  # noqa: SLF001
        if each.attname not in withheld
    }


def as_line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_text).encode() + b"\n"


def fields_of(model: type[Model], value: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a line as the model takes them; columns unknown here are left out."""
    known: dict[str, Field[Any, Any]] = {
        each.attname: each
        for each in model._meta.concrete_fields  # noqa: SLF001
    }
    return {
        name: _parsed(known[name], given)
        for name, given in value.items()
        if name in known and name != "tenant_id" and known[name] is not model._meta.auto_field  # noqa: SLF001
    }


def canonical(entry: Shared, value: dict[str, Any]) -> bytes:
    """Return a line without what differs between two installations that hold the same."""
    local = {"tenant_id", "custom_role_id"} | {
        each.attname
        for each in entry.model._meta.concrete_fields  # noqa: SLF001
        if each.attname.endswith(("user_id", "_by_id")) or getattr(each, "auto_now", False)
    }
    if entry.model._meta.auto_field:  # noqa: SLF001
        local.add("id")
    kept = {name: given for name, given in value.items() if name not in local}
    if "user" in kept:
        kept["user"] = kept["user"]["email"]
    return as_line(kept)


def _membership(row: Any, withheld: frozenset[str]) -> dict[str, Any]:
    """Return who it is with what the person may do; never how the person logs in."""
    person = {
        name: getattr(row.user, name) for name in ("id", "email", "name", "locale", "timezone")
    }
    own = row.custom_role.name if row.custom_role else ""
    return {**plain(row, withheld), "user": person, "custom_role": own}


def _text(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return str(value)


def _parsed(each: "Field[Any, Any]", given: Any) -> Any:
    if given is None:
        return None
    if isinstance(each, BinaryField):
        return base64.b64decode(given)
    return each.to_python(given)


def _register_ours() -> None:
    carried = {"carried": True}
    restored = {"carried": True, "restored": True}
    register_shared(models.Role, **restored)
    register_shared(models.Membership, **restored)
    register_shared(models.SecurityPolicy, **restored)
    register_shared(models.Entitlement, **restored)
    register_shared(models.Brand, **restored)
    register_shared(models.WebhookRoute, **restored)
    register_shared(models.Feature.tenants.through, **restored)
    register_shared(models.AuditEntry, **restored, kept=True)
    register_shared(models.Domain, **carried, withheld=frozenset({"proof"}))
    register_shared(models.ApiKey, **carried, withheld=frozenset({"secret_hash"}))
    register_shared(models.Invitation, **carried, withheld=frozenset({"nonce"}))
    register_shared(models.SupportGrant, **carried, withheld=frozenset({"code_digest"}))
    for model in (
        models.Announcement.tenants.through,
        models.Mail,
        models.SignUp,
        models.TenantArchive,
        models.TenantMigration,
        models.TenantUsage,
        OutboxEvent,
        AnsweredRequest,
    ):
        register_shared(model)
    register_shared(models.RetiredName, kept=True)


_register_ours()
