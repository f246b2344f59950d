"""The gauges of the whole house: what waits, who is late, what is nearly full.

Composition root, because it asks every app. Each reader takes one query, whatever the number of
tenants.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count
from django.utils import timezone

from evosense.celery import QUEUES
from evosense.core.metrics import Reading, register_gauge
from evosense.core.models import OutboxEvent
from evosense.core.schema import database_cursor, public_scope
from evosense.core.streams import redis_client
from messaging.ingest.models import WebhookEvent
from tenancy.archive.restore import interrupted_swaps
from tenancy.db import fair
from tenancy.models import FleetRun, Mail, Tenant

# More than these would be a label per tenant.
LATEST_TENANTS = 10


def register() -> None:
    """Announce every gauge; the names are what docs/operations.md and the dashboard use."""
    register_gauge(
        "ingest_waiting", "Raw events that are not applied, by lane.", _waiting, ("lane",)
    )
    register_gauge("ingest_oldest_seconds", "Age of the oldest raw event that waits.", _oldest)
    register_gauge("ingest_dead", "Raw events given up after their last attempt.", _dead)
    register_gauge("tenant_lag_seconds", "The tenants furthest behind.", _late_tenants, ("tenant",))
    register_gauge("outbox_waiting", "Outbox events that nobody relayed.", _outbox)
    register_gauge("outbox_oldest_seconds", "Age of the oldest outbox event.", _outbox_oldest)
    register_gauge("mail", "Letters by state.", _mail, ("state",))
    register_gauge("tenants", "Tenants by status and state.", _tenants, ("status", "state"))
    register_gauge("queue_length", "Messages in a task queue.", _queues, ("queue",))
    register_gauge("fair_waiting", "Items in a fair ring, waiting or running.", _rings, ("kind",))
    register_gauge("database_connections", "Connections that the server has open.", _connections)
    register_gauge("database_connections_limit", "Connections it allows.", _connections_limit)
    register_gauge("database_bytes", "Size of the database.", _database_bytes)
    register_gauge("schemas", "Tenant schemas in the database.", _schemas)
    register_gauge("tenants_standing", "Tenants that a swap left standing still.", _standing)
    register_gauge("fleet_stopped", "1 when the latest migration run stopped.", _fleet)
    register_gauge("redis_bytes", "Memory that Redis uses.", _redis_bytes)


def _waiting() -> Iterable[Reading]:
    with public_scope():
        rows = (
            WebhookEvent.objects.filter(status=WebhookEvent.Status.PENDING)
            .values_list("lane")
            .annotate(number=Count("id"))
        )
        return [((str(lane),), number) for lane, number in rows]


def _oldest() -> Iterable[Reading]:
    yield (
        (),
        _age(
            "SELECT extract(epoch FROM now() - min(received_at))"
            " FROM webhook_events WHERE status = 0"
        ),
    )


def _dead() -> Iterable[Reading]:
    with public_scope():
        yield (), WebhookEvent.objects.filter(status=WebhookEvent.Status.DEAD).count()


def _late_tenants() -> Iterable[Reading]:
    statement = """
        SELECT tenant_id, extract(epoch FROM now() - min(received_at)) AS lag
        FROM webhook_events WHERE status = 0
        GROUP BY tenant_id ORDER BY lag DESC LIMIT %s
    """
    for tenant_id, lag in _rows(statement, LATEST_TENANTS):
        yield (str(tenant_id),), float(lag)


def _outbox() -> Iterable[Reading]:
    with public_scope():
        yield (), OutboxEvent.objects.filter(published_at=None).count()


def _outbox_oldest() -> Iterable[Reading]:
    with public_scope():
        oldest = (
            OutboxEvent.objects.filter(published_at=None)
            .order_by("id")
            .values_list("created_at", flat=True)
            .first()
        )
    yield (), (timezone.now() - oldest).total_seconds() if oldest else 0.0


def _mail() -> Iterable[Reading]:
    states = [Mail.State.WAITING, Mail.State.FAILED]
    with public_scope():
        rows = dict(
            Mail.objects.filter(state__in=states).values_list("state").annotate(number=Count("pk"))
        )
    return [((str(state.value),), rows.get(state.value, 0)) for state in states]


def _tenants() -> Iterable[Reading]:
    with public_scope():
        rows = list(Tenant.objects.values_list("status", "state").annotate(number=Count("pk")))
    return [((status, state), number) for status, state, number in rows]


def _queues() -> Iterable[Reading]:
    client: Any = redis_client()
    for queue in QUEUES:
        yield (queue,), client.llen(queue)


def _rings() -> Iterable[Reading]:
    for kind in QUEUES:
        yield (kind,), fair.waiting(kind)


def _connections() -> Iterable[Reading]:
    yield (), _number("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")


def _connections_limit() -> Iterable[Reading]:
    yield (), _number("SELECT current_setting('max_connections')::int")


def _database_bytes() -> Iterable[Reading]:
    yield (), _number("SELECT pg_database_size(current_database())")


def _schemas() -> Iterable[Reading]:
    yield (), _number(r"SELECT count(*) FROM pg_namespace WHERE nspname LIKE 't\_%%'")


def _fleet() -> Iterable[Reading]:
    with public_scope():
        state = FleetRun.objects.order_by("-started_at").values_list("state", flat=True).first()
    yield (), int(state == FleetRun.State.STOPPED)


def _standing() -> Iterable[Reading]:
    yield (), len(interrupted_swaps())


def _redis_bytes() -> Iterable[Reading]:
    client: Any = redis_client()
    yield (), client.info("memory")["used_memory"]


def _age(statement: str) -> float:
    """Return the seconds that the statement answers, 0 for nothing."""
    return float(_rows(statement)[0][0] or 0)


def _number(statement: str) -> float:
    return float(_rows(statement)[0][0])


def _rows(statement: str, *values: object) -> list[Any]:
    with public_scope(), database_cursor() as cursor:
        cursor.execute(statement, list(values))
        return list(cursor.fetchall())
