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
from messaging.ingest.models import WebhookEvent
from messaging.ingest.partitions import ensure_partitions
from messaging.ingest.receiver.intake import arrival_of
from messaging.ingest.receiver.records import Record, moment
from messaging.ingest.receiver.tokens import Route
from messaging.ingest.worker import Worker
from messaging.management.demo_company import Company
from messaging.models import Message
from messaging.simulator.demo import demo_history

COPY = (
    "COPY public.webhook_events (received_at, tenant_id, connection_id, dedupe_key, event,"
    " instance, lane, body, flag, status) FROM STDIN"
)
BATCH = 1_000
MAX_BLOB = 1_000_000


def ensure(company: Company, *, days: int) -> dict[str, Any]:
    """Write and apply the history once; later calls find it there."""
    started = time.monotonic()
    if _is_there(company):
        return {"events": 0, "seconds": 0.0}
    with public_scope():
        _make_room(days)
        events = _write(company, days)
    _apply(company)
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


def _apply(company: Company) -> None:
    """Work as a worker does until nothing waits; one that runs already may share it."""
    worker = Worker(turn_size=BATCH)
    while _something_waits(company):
        if not worker.round():
            time.sleep(0.1)


def _something_waits(company: Company) -> bool:
    with public_scope():
        return WebhookEvent.objects.filter(
            tenant_id=company.tenant.id, status=WebhookEvent.Status.PENDING
        ).exists()


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
    for event in demo_history(end - timedelta(days=days), end):
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
