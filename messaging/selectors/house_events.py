"""The bronze log as operators see it: what waits, what was kept, what was given up.

Operators run the house without reading anybody's messages: a body is shown by its shape alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet

from evosense.core.logging import mask
from evosense.core.schema import database_cursor, public_scope
from messaging.ingest.models import WebhookEvent
from tenancy.models import Tenant

# A count that is shown as "or more" beyond.
COUNTED = 10_000
MOST_LINES = 200
_SHOWN_BYTES = 256 * 1024
_DEEPEST = 12
# Values that name a kind of thing, never a person or what one said.
_PLAIN_KEYS = frozenset({"event", "messageType", "state", "status", "source", "type"})

_BACKLOG = """
SELECT e.tenant_id, e.lane, count(*), min(e.received_at),
       count(*) FILTER (WHERE e.attempts > 0)
FROM public.webhook_events e WHERE e.status = 0
GROUP BY e.tenant_id, e.lane ORDER BY min(e.received_at) LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in one lane of one company."""

    tenant: Tenant | None
    tenant_id: UUID
    lane: str
    waiting: int
    oldest_at: datetime
    retried: int


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which kept or dead events are meant; a field left empty does not narrow."""

    statuses: Sequence[int] = (WebhookEvent.Status.KEPT, WebhookEvent.Status.DEAD)
    tenant_id: UUID | None = None
    flag: str = ""
    event: str = ""


def backlog_lines() -> list[Backlog]:
    """Return the lanes with something pending, the oldest first; two queries in all."""
    with public_scope():
        with database_cursor() as cursor:
            cursor.execute(_BACKLOG, [MOST_LINES])
            rows = cursor.fetchall()
        tenants = Tenant.objects.in_bulk({row[0] for row in rows})
    return [
        Backlog(
            tenant=tenants.get(tenant_id),
            tenant_id=tenant_id,
            lane=WebhookEvent.Lane(lane).name.lower(),
            waiting=waiting,
            oldest_at=oldest_at,
            retried=retried,
        )
        for tenant_id, lane, waiting, oldest_at, retried in rows
    ]


def replayable(wanted: EventFilter) -> QuerySet[WebhookEvent]:
    """Return the events that can be read again; the body of an oversize one was never kept."""
    rows = WebhookEvent.objects.filter(status__in=list(wanted.statuses)).exclude(flag="oversize")
    if wanted.tenant_id:
        rows = rows.filter(tenant_id=wanted.tenant_id)
    if wanted.flag:
        rows = rows.filter(flag=wanted.flag)
    if wanted.event:
        rows = rows.filter(event=wanted.event)
    return rows


def shape_of(body: bytes) -> str:
    """Return the body with every text and number replaced by how long it is."""
    if len(body) > _SHOWN_BYTES:
        return ""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    return orjson.dumps(_shape(parsed, "", 0), option=orjson.OPT_INDENT_2).decode()


def shown_error(event: WebhookEvent) -> str:
    """Return why an event failed, without the numbers that an error may quote."""
    return mask(event.error_message)


def _shape(value: Any, key: str, depth: int) -> Any:
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, dict):
        # Keys may be ids of people, so only those that look like names of fields are kept.
        return {_key(name): _shape(each, name, depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_shape(each, key, depth + 1) for each in value[:20]]
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    if key in _PLAIN_KEYS and text.replace(".", "").replace("_", "").isalpha() and len(text) < 40:
        return text
    return f"{type(value).__name__}({len(text)})"


def _key(name: str) -> str:
    return name if name.lstrip("_").isidentifier() and len(name) < 40 else f"key({len(name)})"
