"""What the house tells Prometheus of numbers and their servers; one query each."""

from collections.abc import Iterable

from django.db.models import Sum

from evosense.core.metrics import Reading, register_gauge
from evosense.core.schema import database_cursor, public_scope
from messaging.gateway.models import EvolutionServer
from tenancy.models import TenantUsage

_LATE = """
SELECT greatest(0, extract(epoch FROM now() - min(l.watch_at))) FROM public.gateway_lane l
JOIN public.tenancy_tenant t ON t.id = l.tenant_id AND t.state = 'ready'
"""


def register_metrics() -> None:
    """Announce the gauges of this module."""
    register_gauge("watch_late_seconds", "Longest wait of a number for its look.", _late)
    register_gauge("incidents", "Open incidents of all companies.", _incidents)
    register_gauge("servers_resting", "Evolution servers that do not answer.", _resting)


def _late() -> Iterable[Reading]:
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_LATE)
        yield (), float(cursor.fetchone()[0] or 0)


def _incidents() -> Iterable[Reading]:
    with public_scope():
        found = TenantUsage.objects.aggregate(total=Sum("open_incidents"))
    yield (), found["total"] or 0


def _resting() -> Iterable[Reading]:
    with public_scope():
        rows = EvolutionServer.objects.filter(is_active=True)
        yield (), rows.exclude(breaker=EvolutionServer.Breaker.CLOSED).count()
