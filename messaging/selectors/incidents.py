"""Incidents and repairs, as pages, banners and the API show them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, Min, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import NotFound
from evosense.core.pagination import newest_first
from messaging.models import GapRepair, Incident
from messaging.selectors.health_words import cause_words, reason_words, repair_error_words

PAGE = 25
# A banner names a few; a server that takes a hundred numbers down is one sentence.
BANNER = 20
# A server that says so answers.
_REFUSALS = frozenset({"unauthorized", "license_required", "unsupported_version", "blocked"})


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident. `words` says its cause; times may be missing while it is open."""

    pk: int
    id: UUID
    connection_pk: int
    connection_id: UUID
    connection_name: str
    connection_color: int
    kind: str
    kind_label: str
    # degraded, down
    severity: str
    code: str
    words: str
    details: dict[str, Any]
    started_at: datetime
    detected_at: datetime
    ended_at: datetime | None
    # Between these messages may be missing; both null when nothing can have been lost.
    loss_from: datetime | None
    loss_until: datetime | None
    recovered: int
    # The server's own store was read again for all of that time.
    is_checked: bool
    # {"app" | "email" | "webhook": time as ISO text}
    told: dict[str, str]
    seen_at: datetime | None
    seen_by_user_id: int | None

    @property
    def is_open(self) -> bool:
        return self.ended_at is None

    @property
    def webhook_at(self) -> datetime | None:
        """Return when the first system of the company's own was told."""
        at = self.told.get("webhook")
        return datetime.fromisoformat(at) if at else None

    @property
    def seconds(self) -> int:
        """Return how long it lasted, or has lasted until now."""
        end = self.ended_at or timezone.now()
        return max(0, int((end - self.started_at).total_seconds()))


@dataclass(frozen=True, slots=True)
class IncidentPage:
    rows: list[IncidentView]
    next: str | None


@dataclass(frozen=True, slots=True)
class RepairView:
    """One reading of a server's own store. `pages` is unknown before its first answer."""

    pk: int
    id: UUID
    connection_id: UUID
    connection_name: str
    incident_id: UUID | None
    reason: str
    reason_label: str
    since: datetime
    until: datetime
    state: str
    state_label: str
    page: int
    pages: int | None
    seen: int
    missing: int
    recovered: int
    chats: int
    error: str
    error_words: str
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_active(self) -> bool:
        return self.state in (GapRepair.State.QUEUED, GapRepair.State.RUNNING)

    @property
    def percent(self) -> int:
        """Return how far it is, 0 to 100."""
        if not self.is_active:
            return 100
        return min(99, (self.page - 1) * 100 // self.pages) if self.pages else 0


def incident_page(
    *,
    connection: UUID | None = None,
    open_only: bool = False,
    cursor: str | None = None,
    limit: int = PAGE,
) -> IncidentPage:
    """Return incidents, the one that began last first; raises Invalid for a bad cursor."""
    rows = _incidents()
    if connection is not None:
        rows = rows.filter(connection__public_id=connection)
    if open_only:
        rows = rows.filter(ended_at=None)
    page = newest_first(rows, field="started_at", limit=limit, cursor=cursor)
    return IncidentPage([incident_view_of(one) for one in page.rows], page.next)


def open_incidents(*, with_muted: bool = False) -> list[IncidentView]:
    """Return what is wrong now and not muted, the gravest first; for the banner of every page."""
    rows = _incidents().filter(ended_at=None, connection__removed_at=None)
    found = [
        incident_view_of(one)
        for one in rows.order_by("-severity", "started_at")[: BANNER * 5]
        if with_muted or not _is_muted(one)
    ]
    # `down` sorts after `degraded`, so the descending order above puts it first.
    return found[:BANNER]


def incident_view(public_id: UUID) -> IncidentView:
    """Return one incident; raises NotFound."""
    found = _incidents().filter(public_id=public_id).first()
    if found is None:
        raise NotFound("incident_not_found", _("This incident does not exist."))
    return incident_view_of(found)


def repairs_of(connection: UUID, *, limit: int = 10) -> list[RepairView]:
    """Return the last repairs of a connection, newest first."""
    rows = GapRepair.objects.select_related("connection", "incident")
    found = rows.filter(connection__public_id=connection).order_by("-id")[:limit]
    return [repair_view_of(one) for one in found]


def repair_view(public_id: UUID) -> RepairView:
    """Return one repair; raises NotFound."""
    rows = GapRepair.objects.select_related("connection", "incident")
    found = rows.filter(public_id=public_id).first()
    if found is None:
        raise NotFound("repair_not_found", _("This repair does not exist."))
    return repair_view_of(found)


def repair_view_of(one: GapRepair) -> RepairView:
    return RepairView(
        pk=one.pk,
        id=one.public_id,
        connection_id=one.connection.public_id,
        connection_name=one.connection.shown_name,
        incident_id=one.incident.public_id if one.incident else None,
        reason=one.reason,
        reason_label=reason_words(one.reason),
        since=one.since,
        until=one.until,
        state=one.state,
        state_label=str(GapRepair.State(one.state).label),
        page=one.page,
        pages=one.pages,
        seen=one.seen,
        missing=one.missing,
        recovered=one.recovered,
        chats=one.chats,
        error=one.error,
        error_words=repair_error_words(one.error),
        created_at=one.created_at,
        finished_at=one.finished_at,
    )


def _incidents() -> QuerySet[Incident]:
    read_again = GapRepair.objects.filter(
        connection=OuterRef("connection"),
        state=GapRepair.State.DONE,
        error="",
        since__lte=OuterRef("loss_from"),
        until__gte=OuterRef("loss_until"),
    )
    rows = Incident.objects.select_related("connection")
    return rows.annotate(is_checked=Exists(read_again))


def _is_muted(one: Incident) -> bool:
    until = one.connection.muted_until
    return until is not None and until > timezone.now()


def _label(one: Incident) -> str:
    """Return the kind in words; of a server that answers and refuses, not that it is silent."""
    if one.kind == Incident.Kind.SERVER_DOWN and one.code in _REFUSALS:
        return str(_("Server cannot be used"))
    return str(Incident.Kind(one.kind).label)


def open_since(connection_pks: list[int]) -> dict[int, datetime]:
    """Return since when those of the connections are ill that have an open incident."""
    rows = Incident.objects.filter(connection_id__in=connection_pks, ended_at=None)
    return dict(rows.values_list("connection_id").annotate(since=Min("started_at")))


def incident_view_of(one: Incident) -> IncidentView:
    return IncidentView(
        pk=one.pk,
        id=one.public_id,
        connection_pk=one.connection_id,
        connection_id=one.connection.public_id,
        connection_name=one.connection.shown_name,
        connection_color=one.connection.color,
        kind=one.kind,
        kind_label=_label(one),
        severity=one.severity,
        code=one.code,
        words=cause_words(one.code or one.kind),
        details=one.details,
        started_at=one.started_at,
        detected_at=one.detected_at,
        ended_at=one.ended_at,
        loss_from=one.loss_from,
        loss_until=one.loss_until,
        recovered=one.recovered,
        is_checked=getattr(one, "is_checked", False),
        told=one.told,
        seen_at=one.seen_at,
        seen_by_user_id=one.seen_by_user_id,
    )
