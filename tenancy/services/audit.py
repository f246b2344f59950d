"""The audit trail: added to, never changed, each entry sealing the one before it.

The chain is per company (and one for the platform). Its hash covers every field that a reader
sees, so an entry that is altered, removed or slipped in breaks it from there on.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from evosense.core.actor import current_actor
from evosense.core.schema import active_tenant, database_cursor, public_scope
from tenancy.models import AuditEntry

_START = bytes(32)
PURGED = "audit.purged"
_SEALED = (
    "number", "actor_kind", "actor_id", "actor_label", "address", "request_id", "action",
    "object_type", "object_id", "object_label", "changes",
)  # fmt: skip


def record(
    action: str,
    *,
    object_type: str = "",
    object_id: object = "",
    object_label: str = "",
    changes: dict[str, list[Any]] | None = None,
    tenant_id: UUID | None = None,
) -> AuditEntry:
    """Add an entry about the company `tenant_id`, else the active one, else the platform.

    Call it inside the transaction of the act, so that neither exists without the other. `changes`
    maps a field to `[before, after]` and must hold neither secrets nor message text.
    """
    tenant = active_tenant()
    about = tenant_id or (tenant.id if tenant else None)
    actor = current_actor()
    with public_scope(), transaction.atomic():
        _take_turn(about)
        last = trail_of(about).order_by("-number").first()
        entry = AuditEntry(
            tenant_id=about,
            number=last.number + 1 if last else 1,
            at=timezone.now(),
            actor_kind=actor.kind,
            actor_id=actor.id[:64],
            actor_label=actor.label[:254],
            address=actor.address[:45],
            request_id=actor.request_id[:32],
            action=action,
            object_type=object_type,
            object_id=str(object_id)[:64],
            object_label=object_label[:254],
            changes=changes or {},
            previous_hash=bytes(last.hash) if last else _START,
        )
        entry.hash = seal(entry)
        entry.save(force_insert=True)
    return entry


def trail_of(tenant_id: UUID | None) -> QuerySet[AuditEntry]:
    """Return the entries of one company, or the platform's own for None."""
    entries = AuditEntry.objects.all()
    return entries.filter(tenant_id=tenant_id) if tenant_id else entries.filter(tenant=None)


def seal(entry: AuditEntry) -> bytes:
    """Return the SHA-256 over the entry and the hash before it."""
    content = {name: getattr(entry, name) for name in _SEALED}
    content["tenant"] = str(entry.tenant_id or "")
    content["at"] = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(bytes(entry.previous_hash) + text.encode()).digest()


def first_broken(tenant_id: UUID | None) -> int | None:
    """Return the number of the first entry that does not fit the chain, or None when all do.

    A trail whose oldest entries were removed after their time begins where its own entry about the
    last removal says that it begins.
    """
    with public_scope():
        entries = trail_of(tenant_id).order_by("number")
        expected, number = _beginning(entries)
        for entry in entries.iterator(chunk_size=2000):
            fits = entry.number == number + 1 and bytes(entry.previous_hash) == expected
            if not fits or seal(entry) != bytes(entry.hash):
                return number + 1
            expected, number = bytes(entry.hash), entry.number
    return None


def remove_older(tenant_id: UUID | None, *, than: datetime) -> int:
    """Remove the entries whose time is over, oldest first; returns how many.

    What is left names the number and the seal of the last one removed, so the chain still holds and
    a removal that nobody noted is found.
    """
    with public_scope(), transaction.atomic():
        _take_turn(tenant_id)
        last = trail_of(tenant_id).filter(at__lt=than).order_by("-number").first()
        if last is None:
            return 0
        record(
            PURGED,
            object_type="audit",
            object_id=last.number,
            object_label=str(last.number),
            changes={"hash": [None, bytes(last.hash).hex()]},
            tenant_id=tenant_id,
        )
        return trail_of(tenant_id).filter(number__lte=last.number).delete()[0]


def _beginning(entries: QuerySet[AuditEntry]) -> tuple[bytes, int]:
    """Return the seal and the number that the first entry has to follow."""
    first = entries.first()
    if first is None or first.number == 1:
        return _START, 0
    before = bytes(first.previous_hash)
    said = entries.filter(
        action=PURGED, object_id=str(first.number - 1), changes__hash__1=before.hex()
    )
    return (before, first.number - 1) if said.exists() else (_START, 0)


def _take_turn(tenant_id: UUID | None) -> None:
    """Make writers of one chain queue up until the one before has committed."""
    with database_cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"audit:{tenant_id}"]
        )
