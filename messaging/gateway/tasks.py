"""Looking at servers by itself: versions change, licences end, keys are replaced."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.db.models import Q
from django.utils import timezone

from evosense.core.errors import NotFound
from evosense.core.schema import enqueue_for, public_scope
from messaging.gateway import probes
from messaging.gateway.models import EvolutionServer

WELL_AGAIN_AFTER = timedelta(hours=6)
ILL_AGAIN_AFTER = timedelta(minutes=5)
_AT_ONCE = 500


@shared_task(name="gateway.probe_server", allow_suspended=True, expires=3600)
def probe_server(server_id: str) -> None:
    """Ask one server of the company who it is; one that was removed meanwhile is fine."""
    _probe(UUID(server_id))


@shared_task(name="gateway.probe_house_server", tenant_required=False, expires=3600)
def probe_house_server(server_id: str) -> None:
    """Ask one server of the house who it is."""
    with public_scope():
        _probe(UUID(server_id))


@shared_task(name="gateway.probe_servers", tenant_required=False, expires=290)
def probe_servers() -> None:
    """Have every server asked a few times a day; more often while something is wrong."""
    with public_scope():
        for server_id, tenant_id in due_servers():
            task = probe_server if tenant_id else probe_house_server
            enqueue_for(tenant_id, task, server_id=str(server_id))


def due_servers() -> list[tuple[UUID, UUID | None]]:
    """Return (server, company) of those whose last look is too long ago."""
    now = timezone.now()
    is_ill = ~Q(problem="") | Q(version="")
    due = (
        Q(probed_at=None)
        | Q(probed_at__lt=now - WELL_AGAIN_AFTER)
        | (is_ill & Q(probed_at__lt=now - ILL_AGAIN_AFTER))
    )
    rows = EvolutionServer.objects.filter(due, is_active=True).order_by("probed_at")
    return list(rows.values_list("pk", "tenant_id")[:_AT_ONCE])


def _probe(server_id: UUID) -> None:
    try:
        probes.probe_server(server_id)
    except NotFound:
        return
