"""Raw webhook events of one connection, with what became of them.

The log is shared by all tenants: every query names the current tenant besides the connection.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid, NotFound
from evosense.core.pagination import decode_cursor, encode_cursor
from evosense.core.schema import current_tenant, public_scope
from messaging.ingest.models import WebhookEvent

PAGE = 50
STATUSES = {status.name.lower(): status.value for status in WebhookEvent.Status}
FLAGS = ("none", "mismatch", "broken", "oversize", "unknown")
# A body longer than this is shown as text, cut: indenting megabytes helps nobody.
SHOWN_BYTES = 512 * 1024
# Events looked at for one filtered page, so that a rare one cannot scan weeks of a busy number.
SCANNED = 50_000


@dataclass(frozen=True, slots=True)
class RawEventFilter:
    """What to list; a field left at its default does not narrow the list."""

    status: str = ""
    event: str = ""
    flag: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RawEventRow:
    """One received body and its outcome. `id` is opaque and names the row for good."""

    pk: int
    id: str
    received_at: datetime
    event: str
    instance: str
    lane: str
    status: str
    flag: str
    attempts: int
    next_attempt_at: datetime
    processed_at: datetime | None
    processing_time_ms: int | None
    error: str

    @property
    def is_replayable(self) -> bool:
        return self.status in {"kept", "dead"} and self.flag != "oversize"


@dataclass(frozen=True, slots=True)
class RawEventPage:
    rows: list[RawEventRow]
    next: str | None


@dataclass(frozen=True, slots=True)
class RawEventDetail:
    """`body` is parsed JSON, None when it is broken or too long; `text` is what to print."""

    row: RawEventRow
    body: Any
    text: str
    size: int
    is_cut: bool


def raw_event_page(
    connection_id: UUID,
    filters: RawEventFilter,
    *,
    cursor: str | None = None,
    limit: int = PAGE,
) -> RawEventPage:
    """Return events, the newest first. A page may be short and still have a next one."""
    tenant_id = current_tenant().id
    with public_scope():
        rows = _of_connection(connection_id, tenant_id).order_by("-id").defer("body", "dedupe_key")
        if cursor:
            rows = rows.filter(pk__lt=decode_cursor(cursor)[1])
        rows = _within(rows, filters)
        narrowed = _narrowed(rows, filters)
        floor = None if narrowed is rows else _floor(rows)
        if floor is not None:
            narrowed = narrowed.filter(pk__gte=floor.pk)
        found = list(narrowed[: limit + 1])
    page = found[:limit]
    last = page[-1] if len(found) > limit else floor
    following = encode_cursor(last.received_at, last.pk) if last else None
    return RawEventPage([_row(one) for one in page], following)


def raw_event(connection_id: UUID, event_id: str) -> RawEventDetail:
    """Return one event with its redacted body; raises NotFound."""
    event = raw_event_model(connection_id, event_id)
    raw = bytes(event.body)
    body, text = _readable(raw)
    return RawEventDetail(_row(event), body, text, len(raw), len(raw) > SHOWN_BYTES)


def raw_event_model(connection_id: UUID, event_id: str) -> WebhookEvent:
    """Return the stored event of this tenant's connection; raises NotFound."""
    missing = NotFound("event_not_found", _("This event does not exist, or is no longer kept."))
    try:
        received_at, pk = decode_cursor(event_id)
    except Invalid as error:
        raise missing from error
    tenant_id = current_tenant().id
    with public_scope():
        rows = _of_connection(connection_id, tenant_id)
        found = rows.filter(received_at=received_at, pk=pk).first()
    if found is None:
        raise missing
    return found


def _of_connection(connection_id: UUID, tenant_id: UUID) -> QuerySet[WebhookEvent]:
    return WebhookEvent.objects.filter(connection_id=connection_id, tenant_id=tenant_id)


def _within(rows: QuerySet[WebhookEvent], filters: RawEventFilter) -> QuerySet[WebhookEvent]:
    if filters.since:
        rows = rows.filter(received_at__gte=filters.since)
    if filters.until:
        rows = rows.filter(received_at__lt=filters.until)
    return rows


def _narrowed(rows: QuerySet[WebhookEvent], filters: RawEventFilter) -> QuerySet[WebhookEvent]:
    """Return `rows` itself when nothing narrows it."""
    if filters.status:
        rows = rows.filter(status=STATUSES[filters.status])
    if filters.event:
        rows = rows.filter(event=filters.event)
    if filters.flag:
        rows = rows.filter(flag="" if filters.flag == "none" else filters.flag)
    return rows


def _floor(rows: QuerySet[WebhookEvent]) -> WebhookEvent | None:
    """Return the last event that this page may look at, None when the log ends before it."""
    return rows.only("received_at")[SCANNED : SCANNED + 1].first()


def _row(event: WebhookEvent) -> RawEventRow:
    return RawEventRow(
        pk=event.pk,
        id=encode_cursor(event.received_at, event.pk),
        received_at=event.received_at,
        event=event.event,
        instance=event.instance,
        lane=WebhookEvent.Lane(event.lane).name.lower(),
        status=WebhookEvent.Status(event.status).name.lower(),
        flag=event.flag,
        attempts=event.attempts,
        next_attempt_at=event.next_attempt_at,
        processed_at=event.processed_at,
        processing_time_ms=event.processing_time_ms,
        error=event.error_message,
    )


def _readable(raw: bytes) -> tuple[Any, str]:
    if len(raw) > SHOWN_BYTES:
        return None, raw[:SHOWN_BYTES].decode("utf-8", "replace")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None, raw.decode("utf-8", "replace")
    return body, orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
