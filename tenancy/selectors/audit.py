"""Reading the trail of a company: filtered, newest first, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from evosense.core.schema import public_scope
from tenancy.audit_words import actions_of, changes_of, sentence_of, who_of
from tenancy.models import AuditEntry, User

PAGE = 50
_USER = AuditEntry.ActorKind.USER


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What to show: each may be absent. `action` is one act or an area such as `member`."""

    who: str = ""
    action: str = ""
    object: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """An entry as a page or an export shows it."""

    number: int
    at: datetime
    who: str
    kind: str
    address: str
    request_id: str
    action: str
    object_type: str
    object_id: str
    object_label: str
    sentence: str
    changes: list[tuple[str, str, str]]
    raw_changes: dict[str, Any]

    @property
    def area(self) -> str:
        return self.action.partition(".")[0]


@dataclass(frozen=True, slots=True)
class AuditPage:
    rows: list[Act]
    next: str | None


def audit_page(
    tenant_id: UUID, narrowed: AuditFilter, *, cursor: str = "", limit: int = PAGE
) -> AuditPage:
    """Return one page, newest first; two queries whatever its length."""
    rows = _filtered(tenant_id, narrowed)
    if cursor:
        rows = rows.filter(number__lt=_read_cursor(cursor))
    with public_scope():
        found = list(rows.order_by("-number")[: limit + 1])
        names = _names(found[:limit])
    acts = [_act(row, names) for row in found[:limit]]
    return AuditPage(acts, str(acts[-1].number) if len(found) > limit else None)


def audit_acts(tenant_id: UUID, narrowed: AuditFilter, *, up_to: int) -> Iterator[Act]:
    """Yield every entry that fits, oldest first, in batches: exports read them all."""
    last = 0
    while True:
        with public_scope():
            rows = _filtered(tenant_id, narrowed).filter(number__gt=last, number__lte=up_to)
            batch = list(rows.order_by("number")[:500])
            names = _names(batch)
        if not batch:
            return
        yield from (_act(row, names) for row in batch)
        last = batch[-1].number


def audit_count(tenant_id: UUID, narrowed: AuditFilter) -> int:
    with public_scope():
        return _filtered(tenant_id, narrowed).count()


def last_number(tenant_id: UUID) -> int:
    """Return the number of the newest entry; 0 when there is none."""
    with public_scope():
        newest = AuditEntry.objects.filter(tenant_id=tenant_id).order_by("-number").first()
    return newest.number if newest else 0


def last_act(tenant_id: UUID, *areas: str) -> Act | None:
    """Return the newest act in one of `areas`, such as `member`, or None."""
    with public_scope():
        rows = AuditEntry.objects.filter(tenant_id=tenant_id, action__in=actions_of(*areas))
        found = rows.order_by("-number").first()
        names = _names([found] if found else [])
    return _act(found, names) if found else None


def _filtered(tenant_id: UUID, narrowed: AuditFilter) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.filter(tenant_id=tenant_id)
    if narrowed.who:
        rows = rows.filter(_who_matches(tenant_id, narrowed.who))
    if narrowed.action:
        area = narrowed.action
        rows = rows.filter(Q(action=area) if "." in area else Q(action__startswith=f"{area}."))
    if narrowed.object:
        rows = rows.filter(
            Q(object_label__icontains=narrowed.object) | Q(object_id=narrowed.object)
        )
    if narrowed.since:
        rows = rows.filter(at__gte=narrowed.since)
    if narrowed.until:
        rows = rows.filter(at__lt=narrowed.until)
    return rows


def _who_matches(tenant_id: UUID, who: str) -> Q:
    members = User.objects.filter(memberships__tenant_id=tenant_id, name__icontains=who)
    named = members.values_list("pk", flat=True)[:200]
    people = Q(actor_kind=_USER, actor_id__in=[str(pk) for pk in named])
    return people | Q(actor_label__icontains=who)


def _names(rows: list[AuditEntry]) -> dict[str, str]:
    wanted = {row.actor_id for row in rows if row.actor_kind == _USER and row.actor_id.isdigit()}
    people = User.objects.filter(pk__in=[int(pk) for pk in wanted]) if wanted else []
    return {str(person.pk): str(person) for person in people}


def _act(row: AuditEntry, names: dict[str, str]) -> Act:
    who = names.get(row.actor_id, "") if row.actor_kind == _USER else ""
    who = who or who_of(row)
    return Act(
        number=row.number,
        at=row.at,
        who=who,
        kind=row.actor_kind,
        address=row.address,
        request_id=row.request_id,
        action=row.action,
        object_type=row.object_type,
        object_id=row.object_id,
        object_label=row.object_label,
        sentence=sentence_of(row, who=who),
        changes=changes_of(row),
        raw_changes=row.changes,
    )


def _read_cursor(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        message = _("This cursor is not one that a list returned.")
        raise Invalid("invalid_cursor", message, field="cursor")
    return int(cursor)
