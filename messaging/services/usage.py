"""Numbers of each company for operators: asked tenant by tenant by a periodic task, then kept.

No page asks schema after schema, and no statement names two of them.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Count
from django.utils import timezone

from evosense.core.schema import database_cursor, public_scope, tenant_scope
from messaging.services.health.house import open_numbers
from tenancy.models import Membership, Tenant, TenantUsage

logger = logging.getLogger(__name__)

_TENANT = """
SELECT
  (SELECT count(*) FROM messaging_connection WHERE is_active),
  (SELECT count(*) FROM messaging_connection WHERE is_active AND state = 'connected'),
  (SELECT count(*) FROM messaging_connection WHERE quarantined_at IS NOT NULL),
  (SELECT max(last_event_at) FROM messaging_connection),
  (SELECT count(*) FROM messaging_message WHERE NOT is_hidden AND occurred_at >=
    date_trunc('day', now() AT TIME ZONE %(zone)s) AT TIME ZONE %(zone)s),
  (SELECT count(*) FROM messaging_message WHERE NOT is_hidden AND occurred_at >=
    now() - interval '30 days'),
  (SELECT count(*) FROM messaging_outgoing WHERE state IN ('failed', 'dead')
    AND finished_at >= now() - interval '1 day'),
  (SELECT count(*) FROM messaging_outgoing WHERE state = 'unknown'),
  (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c
   WHERE c.relnamespace = to_regnamespace(%(schema)s) AND c.relkind IN ('r', 'm'))
"""
_EVENTS = """
SELECT tenant_id,
  count(*) FILTER (WHERE status = 0), min(received_at) FILTER (WHERE status = 0),
  count(*) FILTER (WHERE status = 2), count(*) FILTER (WHERE status = 3)
FROM public.webhook_events WHERE status <> 1 GROUP BY tenant_id
"""


@dataclass(frozen=True, slots=True)
class _Events:
    waiting: int = 0
    oldest_waiting_at: datetime | None = None
    kept: int = 0
    dead: int = 0


def refresh_usage() -> int:
    """Compute the numbers of every company with a schema anew; returns how many."""
    done = 0
    events, members = _events(), _members()
    for tenant in _with_schema():
        try:
            with transaction.atomic():
                _refresh(tenant, events.get(tenant.pk, _Events()), members.get(tenant.pk, 0))
        except DatabaseError:
            # A schema in the middle of a migration or move; its last numbers show their age.
            logger.warning("no usage", extra={"tenant_id": str(tenant.pk)}, exc_info=True)
        else:
            done += 1
    return done


def _with_schema() -> Iterator[Tenant]:
    with public_scope():
        tenants = list(Tenant.objects.filter(state__in=[Tenant.State.READY, Tenant.State.MOVING]))
    yield from tenants


def _refresh(tenant: Tenant, events: _Events, members: int) -> None:
    with tenant_scope(tenant.ref), database_cursor() as cursor:
        cursor.execute(_TENANT, {"zone": tenant.timezone, "schema": tenant.schema_name})
        found = cursor.fetchone()
        incidents = open_numbers()
    names = (
        "connections", "connected", "quarantined", "last_event_at", "messages_today",
        "messages_month", "failed_sends", "unknown_sends", "size_bytes",
    )  # fmt: skip
    values: dict[str, Any] = {
        **dict(zip(names, found, strict=True)),
        **incidents,
        "members": members,
        "waiting": events.waiting,
        "oldest_waiting_at": events.oldest_waiting_at,
        "kept": events.kept,
        "dead": events.dead,
        "computed_at": timezone.now(),
    }
    with public_scope():
        TenantUsage.objects.update_or_create(tenant_id=tenant.pk, defaults=values)


def _events() -> dict[UUID, _Events]:
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_EVENTS)
        return {row[0]: _Events(*row[1:]) for row in cursor.fetchall()}


def _members() -> dict[UUID, int]:
    with public_scope():
        active = Membership.objects.filter(is_active=True, user__is_active=True).order_by()
        return dict(active.values_list("tenant_id").annotate(number=Count("pk")))
