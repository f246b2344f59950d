"""From an event of the outbox to one row for each endpoint that wants it."""

from datetime import datetime
from typing import Any

from celery import current_app
from django.db import transaction
from django.utils import timezone

from evosense.core.models import OutboxEvent
from evosense.core.schema import public_scope
from messaging.models import WebhookDelivery, WebhookEndpoint
from messaging.services.webhooks_out.kinds import LANE, event_type
from tenancy.db.tickets import fair_call

SEND_TASK = "messaging.send_webhooks"


def note_event(event_id: int, payload: dict[str, Any], type_name: str) -> None:
    """Make the deliveries of an event. Told of it again, it makes no second ones."""
    offered, endpoints = event_type(type_name), _wanting(type_name)
    if offered is None or not endpoints:
        return
    occurred_at, data = _time_of(event_id), offered.build(payload)
    if occurred_at is None or data is None:
        return
    now = timezone.now()
    rows = [
        WebhookDelivery(
            endpoint_id=endpoint_id,
            event_id=event_id,
            type=type_name,
            occurred_at=occurred_at,
            data=data,
            next_at=now,
        )
        for endpoint_id in endpoints
    ]
    with transaction.atomic():
        WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)
        wake()


def wake() -> None:
    """Have the company's due deliveries looked at after the commit."""
    fair_call(LANE, current_app.tasks[SEND_TASK])


def _wanting(type_name: str) -> list[int]:
    rows = WebhookEndpoint.objects.filter(is_active=True, event_types__contains=[type_name])
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _time_of(event_id: int) -> datetime | None:
    """Return when it happened; None long after it was published, when nobody can tell any more."""
    with public_scope():
        rows = OutboxEvent.objects.filter(pk=event_id)
        return rows.values_list("created_at", flat=True).first()
