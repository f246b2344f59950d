"""Connections with their state, their webhook and what arrived in the last day."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from evosense.core.errors import NotFound
from evosense.core.pagination import newest_first
from evosense.core.schema import current_tenant, database_cursor, public_scope
from messaging.ingest.models import WebhookEvent
from messaging.models import Connection, ConnectionEvent
from messaging.selectors.health import Signal, signals_of
from messaging.selectors.health_words import state_words
from tenancy.models import WebhookRoute

# Counting stops here for one connection; a busier day shows "10,000+".
COUNTED = 10_000
HISTORY = 50
# Colours of the palette that rows are marked with.
COLORS = 8
_DAY = timedelta(hours=24)

_AS_STORED = (
    "created_at",
    "server_id",
    "is_managed",
    "is_default",
    "allows_bulk",
    "wants_session",
    "next_retry_at",
    "last_error",
    "last_error_at",
    "last_inbound_at",
    "last_outbound_at",
    "health",
    "health_signals",
    "health_at",
    "muted_until",
    "webhook_state",
    "webhook_checked_at",
    "removed_at",
)

_COUNTS = """
SELECT r.id, e.status, count(*)
FROM unnest(%s::uuid[]) AS r (id)
CROSS JOIN LATERAL (
    SELECT status FROM public.webhook_events
    WHERE connection_id = r.id AND tenant_id = %s AND received_at >= %s
    ORDER BY id DESC LIMIT %s
) e
GROUP BY r.id, e.status
"""


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Raw events of the last 24 hours by what became of them."""

    pending: int = 0
    done: int = 0
    kept: int = 0
    dead: int = 0

    @property
    def total(self) -> int:
        return self.pending + self.done + self.kept + self.dead

    @property
    def is_capped(self) -> bool:
        return self.total >= COUNTED


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """One connection; secrets are never part of it."""

    pk: int
    id: UUID
    name: str
    instance: str
    server_url: str
    has_api_key: bool
    number: str | None
    profile_name: str
    color: int
    state: str
    state_code: int | None
    state_at: datetime
    quarantined_at: datetime | None
    quarantine_reason: str
    last_event_at: datetime | None
    is_active: bool
    previous_token_until: datetime | None
    events: EventCounts
    created_at: datetime
    server_id: UUID | None
    is_managed: bool
    is_default: bool
    allows_bulk: bool
    wants_session: bool
    next_retry_at: datetime | None
    last_error: str
    last_error_at: datetime | None
    last_inbound_at: datetime | None
    last_outbound_at: datetime | None
    health: str
    health_signals: list[dict[str, Any]]
    # The same in words.
    signals: list[Signal]
    health_at: datetime | None
    muted_until: datetime | None
    webhook_state: str
    webhook_checked_at: datetime | None
    removed_at: datetime | None

    @property
    def state_label(self) -> str:
        if self.removed_at is not None:
            return pgettext("connection", "Deleted")
        # What a session of a strange number is like says nothing of ours.
        is_strange = self.quarantined_at is not None
        return state_words(self.state, self.last_error, is_strange=is_strange)


@dataclass(frozen=True, slots=True)
class ConnectionPage:
    rows: list[ConnectionView]
    next: str | None


@dataclass(frozen=True, slots=True)
class ConnectionDetail:
    view: ConnectionView
    history: list[ConnectionEvent]


def connection_list() -> list[ConnectionView]:
    """Return every connection that still exists in order of name; a tenant has few."""
    return _views(list(_existing().order_by("name", "pk")))


def connection_page(*, cursor: str | None = None, limit: int) -> ConnectionPage:
    """Return connections, the one made last first."""
    page = newest_first(_existing(), field="created_at", limit=limit, cursor=cursor)
    return ConnectionPage(_views(list(page.rows)), page.next)


def connection_model(public_id: UUID) -> Connection:
    """Return the stored connection; raises NotFound."""
    found = Connection.objects.filter(public_id=public_id).first()
    if found is None:
        raise NotFound("connection_not_found", _("This connection does not exist."))
    return found


def living(public_id: UUID) -> Connection:
    """Return a connection that was not removed; raises NotFound."""
    connection = connection_model(public_id)
    if connection.removed_at is not None:
        raise NotFound("connection_not_found", _("This connection does not exist."))
    return connection


def connection_view(public_id: UUID) -> ConnectionView:
    """Return one connection; raises NotFound."""
    return _views([connection_model(public_id)])[0]


def living_view(public_id: UUID) -> ConnectionView:
    """Return one connection that was not removed; raises NotFound."""
    return _views([living(public_id)])[0]


def connection_detail(public_id: UUID) -> ConnectionDetail:
    """Return one connection with its last changes of state, newest first."""
    connection = connection_model(public_id)
    history = ConnectionEvent.objects.filter(connection=connection).order_by("-at", "-pk")
    return ConnectionDetail(_views([connection])[0], list(history[:HISTORY]))


def _existing() -> QuerySet[Connection]:
    return Connection.objects.filter(removed_at__isnull=True)


def _views(connections: list[Connection]) -> list[ConnectionView]:
    ids = [one.public_id for one in connections]
    counts, routes = _event_counts(ids), _routes(ids)
    return [
        _view(one, counts.get(one.public_id, EventCounts()), routes.get(one.public_id))
        for one in connections
    ]


def _view(
    one: Connection, counts: EventCounts, previous_token_until: datetime | None
) -> ConnectionView:
    return ConnectionView(
        pk=one.pk,
        id=one.public_id,
        name=one.shown_name,
        instance=one.instance,
        # Of a removed one the column holds what keeps its instance's name free.
        server_url="" if one.removed_at else one.server_url,
        has_api_key=bool(one.api_key),
        number=one.number,
        profile_name=one.profile_name,
        color=one.color,
        state=one.state,
        state_code=one.state_code,
        state_at=one.state_at,
        quarantined_at=one.quarantined_at,
        quarantine_reason=one.quarantine_reason,
        last_event_at=one.last_event_at,
        is_active=one.is_active,
        previous_token_until=previous_token_until,
        events=counts,
        signals=signals_of(one),
        **{name: getattr(one, name) for name in _AS_STORED},
    )


def _routes(ids: list[UUID]) -> dict[UUID, datetime | None]:
    """Return until when the token before the last rotation still opens each door."""
    tenant = current_tenant()
    with public_scope():
        routes = WebhookRoute.objects.filter(
            pk__in=ids, tenant_id=tenant.id, previous_valid_until__gt=timezone.now()
        )
        return dict(routes.values_list("pk", "previous_valid_until"))


def _event_counts(ids: list[UUID]) -> dict[UUID, EventCounts]:
    since = timezone.now() - _DAY
    with database_cursor() as cursor:
        cursor.execute(_COUNTS, [ids, current_tenant().id, since, COUNTED])
        found = cursor.fetchall()
    by_connection: dict[UUID, dict[str, int]] = {}
    for connection_id, status, count in found:
        name = WebhookEvent.Status(status).name.lower()
        by_connection.setdefault(connection_id, {})[name] = count
    return {one: EventCounts(**counts) for one, counts in by_connection.items()}
