"""Ninety days of raw events, written as the receiver writes them and applied as it is usual."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from evosense.core.schema import database_cursor, public_scope, tenant_scope
from messaging.ingest.apply import RawEvent, apply
from messaging.ingest.models import WebhookEvent
from messaging.ingest.partitions import ensure_partitions
from messaging.ingest.receiver.intake import arrival_of
from messaging.ingest.receiver.records import Record, moment
from messaging.ingest.receiver.tokens import Route
from messaging.management.demo_company import Company
from messaging.models import Message
from messaging.simulator.demo import DEMO_CHATS, DEMO_LINES, DEMO_SEED
from messaging.simulator.generator import stream

COPY = (
    "COPY public.webhook_events (received_at, tenant_id, connection_id, dedupe_key, event,"
    " instance, lane, body, flag, status) FROM STDIN"
)
BATCH = 1_000
_WAITING = """
SELECT id, received_at, body FROM public.webhook_events
WHERE tenant_id = %s AND connection_id = %s AND status = 0
ORDER BY received_at, id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_MARK = """
UPDATE public.webhook_events AS event
SET status = done.status, flag = done.flag, error_message = done.error, processed_at = now()
FROM unnest(%s::timestamptz[], %s::bigint[], %s::smallint[], %s::text[], %s::text[])
    AS done(received_at, id, status, flag, error)
WHERE event.received_at = done.received_at AND event.id = done.id
"""
MAX_BLOB = 1_000_000


def ensure(company: Company, *, days: int) -> dict[str, Any]:
    """Write and apply the history once; later calls find it there."""
    started = time.monotonic()
    if _is_there(company):
        return {"events": 0, "seconds": 0.0}
    with public_scope():
        _make_room(days)
        events = _write(company, days)
    for wire in company.wires:
        _apply(company, UUID(wire.id))
    _forget_expired(company)
    return {"events": events, "seconds": round(time.monotonic() - started, 1)}


def _is_there(company: Company) -> bool:
    # The raw events go with retention, the messages stay.
    with tenant_scope(company.tenant.ref):
        if Message.objects.exists():
            return True
    with public_scope():
        return WebhookEvent.objects.filter(tenant_id=company.tenant.id).exists()


def _make_room(days: int) -> None:
    """Partitions for what retention keeps; what is older is deleted as soon as it is applied."""
    kept = min(days, settings.RAW_EVENT_RETENTION_DAYS)
    ensure_partitions(timezone.now() - timedelta(days=kept), days_ahead=kept + 1)


def _write(company: Company, days: int) -> int:
    """All or nothing: half a history would never be completed."""
    count = 0
    with transaction.atomic(), database_cursor() as cursor, cursor.copy(COPY) as copy:
        for record in _records(company, days):
            copy.write_row(_row(record))
            count += 1
    return count


def _apply(company: Company, connection_id: UUID) -> None:
    """Apply what waits, oldest first, as a worker does; one that runs already may share it."""
    with tenant_scope(company.tenant.ref):
        while _apply_batch(company, connection_id):
            pass


def _apply_batch(company: Company, connection_id: UUID) -> int:
    with transaction.atomic():
        with database_cursor() as cursor:
            cursor.execute(_WAITING, [company.tenant.id, connection_id, BATCH])
            waiting = [RawEvent(pk, at, bytes(body)) for pk, at, body in cursor.fetchall()]
        items = apply(connection_id, waiting) if waiting else []
        with database_cursor() as cursor:
            cursor.execute(
                _MARK,
                [
                    [item.raw.received_at for item in items],
                    [item.raw.id for item in items],
                    [item.status for item in items],
                    [item.flag for item in items],
                    [item.error for item in items],
                ],
            )
    return len(items)


def _forget_expired(company: Company) -> None:
    """Raw events past their retention would only make partitions that are dropped again."""
    oldest = timezone.now() - timedelta(days=settings.RAW_EVENT_RETENTION_DAYS)
    with public_scope():
        WebhookEvent.objects.filter(
            tenant_id=company.tenant.id,
            received_at__lt=oldest,
            status=WebhookEvent.Status.DONE,
        ).delete()


def _records(company: Company, days: int) -> Iterator[Record]:
    end = timezone.now()
    routes = {
        wire.instance: Route(UUID(wire.id), company.tenant.id, wire.instance, b"")
        for wire in company.wires
    }
    last = 0
    start = end - timedelta(days=days)
    # Without chaos: a message that comes after its read mark would be unread for ever.
    events = stream(DEMO_SEED, DEMO_CHATS, start, end, lines=DEMO_LINES, chaos=0.0)
    for event in events:
        arrival = arrival_of(routes[event.instance], event.body, path_event="", max_blob=MAX_BLOB)
        # The receiver's times are strictly rising; the generator's are nearly so.
        last = max(last + 1, int(event.at.timestamp() * 1_000_000))
        yield arrival.record._replace(received_us=last)


def _row(record: Record) -> tuple[Any, ...]:
    return (
        moment(record.received_us),
        record.tenant_id,
        record.connection_id,
        record.dedupe_key,
        record.event,
        record.instance,
        record.lane,
        record.body,
        record.flag,
        record.status,
    )
