"""Where an archive goes: a company of its own, or a copy beside the one that it came from."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.crypto import seal_tenant_key, tenant_key
from evosense.core.errors import Conflict
from evosense.core.ids import schema_name, uuid7
from evosense.core.schema import TenantRef, database_cursor, public_scope, tenant_scope
from tenancy.archive.head import Head
from tenancy.db.backend.base import quoted
from tenancy.models import Domain, Tenant
from tenancy.services import audit, retired, slugs

# The comment at a schema that was written beside a company; the company's id follows.
MARK = "evosense: data of tenant "


class Place(Protocol):
    """What an import needs to know of its target."""

    ref: TenantRef
    row_id: UUID
    takes_shared: bool

    @property
    def takes_raw_events(self) -> bool: ...

    def prepare(self) -> None: ...

    def finish(self, done: Any) -> None: ...


@dataclass
class OwnPlace:
    """A company of its own: with the id that it had, unless somebody has that here."""

    head: Head
    slug: str
    ref: TenantRef = field(init=False)
    row_id: UUID = field(init=False)
    takes_shared: bool = True

    def __post_init__(self) -> None:
        with public_scope():
            is_taken = Tenant.objects.filter(pk=self.head.tenant_id).exists()
        self.row_id = uuid7() if is_taken else self.head.tenant_id
        self.ref = plain = self._ref(b"")
        key = bytes.fromhex(self.head.sender_key)
        if tenant_key(plain) != key:
            with tenant_scope(plain):
                self.ref = self._ref(seal_tenant_key(key))

    def _ref(self, sender_key: bytes) -> TenantRef:
        told = self.head.tenant
        return TenantRef(
            id=self.row_id,
            schema_name=self.ref.schema_name if sender_key else schema_name(),
            slug=self.slug,
            name=told["name"],
            timezone=told["timezone"],
            locale=told["locale"],
            sender_key=sender_key,
        )

    @property
    def takes_raw_events(self) -> bool:
        """Tell whether raw events may come: those of a second copy would meet the first's."""
        return self.row_id == self.head.tenant_id

    def prepare(self) -> None:
        retired.check_return(self.slug, tenant_id=self.head.tenant_id)
        told = self.head.tenant
        ends = datetime.fromisoformat(told["trial_ends_at"]) if told["trial_ends_at"] else None
        is_suspended = told["status"] == Tenant.Status.SUSPENDED
        with public_scope():
            try:
                with transaction.atomic():
                    tenant = Tenant.objects.create(
                        id=self.row_id,
                        schema_name=self.ref.schema_name,
                        slug=self.slug,
                        name=told["name"],
                        plan=told["plan"],
                        status=told["status"],
                        suspended_at=timezone.now() if is_suspended else None,
                        timezone=told["timezone"],
                        locale=told["locale"],
                        trial_ends_at=ends,
                        sender_key=self.ref.sender_key or None,
                        state=Tenant.State.READY,
                    )
                    host = retired.host_of(self.slug)
                    Domain.objects.create(tenant=tenant, domain=host, is_primary=True)
            except IntegrityError as error:
                raise retired.as_refusal(error) from error
            # It may come back to its own name.
            retired.refuse([self.slug, host], except_of=self.head.tenant_id)

    def finish(self, done: Any) -> None:
        audit.record(
            "tenant.imported",
            object_type="tenant",
            object_id=self.row_id,
            object_label=self.slug,
            changes={
                "origin": ["", str(self.head.tenant_id)],
                "made_at": ["", self.head.made_at],
                "rows": [0, done.rows],
                "trail_broken_at": [None, done.audit_broken_at],
            },
            tenant_id=self.row_id,
        )


@dataclass
class BesidePlace:
    """A second schema for a company that is here: to look at, compare with and swap in.

    It is written for the company's own id and keys, so that swapping is a change of names.
    """

    head: Head
    slug: str
    owner: TenantRef
    row_id: UUID = field(default_factory=uuid7)
    ref: TenantRef = field(init=False)
    takes_shared: bool = False
    takes_raw_events: bool = False

    def __post_init__(self) -> None:
        if self.head.tenant_id != self.owner.id or bytes.fromhex(
            self.head.sender_key
        ) != tenant_key(self.owner):
            message = _("The archive is not one of %(slug)s.") % {"slug": self.owner.slug}
            raise Conflict("archive_of_another", message, field="beside")
        self.ref = TenantRef(
            id=self.owner.id,
            schema_name=schema_name(),
            slug=self.slug,
            sender_key=self.owner.sender_key,
        )

    def prepare(self) -> None:
        slugs.check(self.slug)
        with public_scope():
            owner = Tenant.objects.select_for_update().get(pk=self.owner.id)
            try:
                with transaction.atomic():
                    Tenant.objects.create(
                        id=self.row_id,
                        schema_name=self.ref.schema_name,
                        slug=self.slug,
                        name=owner.name,
                        plan=owner.plan,
                        timezone=owner.timezone,
                        locale=owner.locale,
                        # Nobody works in it: no host leads to it and tasks wait.
                        state=Tenant.State.MOVING,
                    )
            except IntegrityError as error:
                raise retired.as_refusal(error) from error

    def finish(self, done: Any) -> None:
        mark_owner(self.ref.schema_name, self.owner.id)
        audit.record(
            "tenant.restored_beside",
            object_type="tenant",
            object_id=self.row_id,
            object_label=self.slug,
            changes={"made_at": ["", self.head.made_at], "rows": [0, done.rows]},
            tenant_id=self.owner.id,
        )


def mark_owner(schema: str, tenant_id: UUID) -> None:
    """Note at the schema itself whose data it holds."""
    with public_scope(), database_cursor() as cursor:
        cursor.execute(f"COMMENT ON SCHEMA {quoted(schema)} IS '{MARK}{UUID(str(tenant_id))}'")


def owner_of(schema: str) -> UUID | None:
    """Return for which company a schema beside was written."""
    with public_scope(), database_cursor() as cursor:
        cursor.execute(
            "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s",
            [schema],
        )
        found = cursor.fetchone()
    text = (found[0] or "") if found else ""
    return UUID(text.removeprefix(MARK)) if text.startswith(MARK) else None


def data_ref(tenant: Tenant) -> TenantRef:
    """Return the reference under which a company's schema can be read, a copy beside included."""
    owner_id = owner_of(tenant.schema_name)
    if owner_id is None or owner_id == tenant.id:
        return tenant.ref
    with public_scope():
        owner = Tenant.objects.get(pk=owner_id).ref
    return TenantRef(
        id=owner.id,
        schema_name=tenant.schema_name,
        slug=tenant.slug,
        sender_key=owner.sender_key,
    )
