"""Transactional outbox: `emit` with the change, `relay` to subscribers, at least once.

Subscribers are Celery tasks registered in `AppConfig.ready`; they must be idempotent, because a
crash between sending and marking repeats events and never loses them.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Protocol
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.utils import timezone

from evosense.core.models import OutboxEvent
from evosense.core.schema import TENANT_HEADER, current_tenant, public_scope


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events; subclasses are frozen dataclasses of ids and small enumerations."""

    topic: ClassVar[str]


class Subscriber(Protocol):
    def apply_async(self, *, kwargs: dict[str, Any], headers: dict[str, str]) -> Any: ...


Listener = Callable[[UUID, str, dict[str, Any]], None]

_subscribers: dict[str, list[Subscriber]] = defaultdict(list)
_listeners: list[Listener] = []


def subscribe(event: type[Event], task: Subscriber) -> None:
    """Deliver every `event` to `task` as `task(event_id=…, payload=…)` inside its tenant."""
    if task not in _subscribers[event.topic]:
        _subscribers[event.topic].append(task)


def listen(listener: Listener) -> None:
    """Call `listener(tenant_id, topic, payload)` in the relay; for hints, best effort."""
    if listener not in _listeners:
        _listeners.append(listener)


# Delivered by PostgreSQL at commit; it only wakes the relay, which polls anyway.
WAKE = "NOTIFY outbox"
_RECORD = """
INSERT INTO public.core_outboxevent (tenant_id, topic, payload)
SELECT %s::uuid, t.topic, t.payload::jsonb
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS t (topic, payload, place) ORDER BY t.place
"""


def emit(event: Event) -> None:
    """Record `event` in the transaction of the change; raise outside one or without tenant."""
    if not connection.in_atomic_block:
        raise RuntimeError("emit() must share a transaction with the change it reports.")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.core_outboxevent (tenant_id, topic, payload) VALUES (%s, %s, %s)",
            [current_tenant().id, event.topic, orjson.dumps(event).decode()],
        )
        cursor.execute(WAKE)


def recording(*events: Event) -> tuple[str, list[Any]]:
    """Return the statement that records events in their order, for whoever sends several at once.

    It must run in the transaction of the change, with `WAKE`.
    """
    payloads = [orjson.dumps(event).decode() for event in events]
    return _RECORD, [current_tenant().id, [event.topic for event in events], payloads]


def relay(batch_size: int = 200) -> int:
    """Hand one batch to the broker, oldest first; safe to run in several workers at once."""
    with public_scope(), transaction.atomic():
        batch = list(
            OutboxEvent.objects.select_for_update(skip_locked=True)
            .filter(published_at=None)
            .order_by("id")[:batch_size]
        )
        for row in batch:
            _deliver(row)
        OutboxEvent.objects.filter(pk__in=[row.pk for row in batch]).update(
            published_at=timezone.now()
        )
    return len(batch)


def purge(*, older_than_days: int = 7) -> int:
    """Delete published events; returns how many."""
    limit = timezone.now() - timedelta(days=older_than_days)
    with public_scope():
        return OutboxEvent.objects.filter(published_at__lt=limit).delete()[0]


def _deliver(row: OutboxEvent) -> None:
    for listener in _listeners:
        listener(row.tenant_id, row.topic, row.payload)
    for task in _subscribers.get(row.topic, []):
        task.apply_async(
            kwargs={"event_id": row.pk, "payload": row.payload},
            headers={TENANT_HEADER: str(row.tenant_id)},
        )
