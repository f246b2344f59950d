"""Testing providers by itself: servers are updated, keys end, and what went down climbs again."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.db.models import Q
from django.utils import timezone

from analytics.providers import probe
from analytics.providers.models import Provider
from evosense.core.errors import NotFound
from evosense.core.schema import enqueue_for, public_scope

AGAIN_AFTER = timedelta(days=1)
# Broken ones are also tried by the breaker; this finds what a person repaired elsewhere.
ILL_AGAIN_AFTER = timedelta(hours=1)
_AT_ONCE = 500


@shared_task(name="analytics.probe_provider", expires=3600)
def probe_provider(provider_id: str) -> None:
    """Test one provider of the company; one that was removed meanwhile is fine."""
    _probe(UUID(provider_id))


@shared_task(name="analytics.probe_house_provider", queue="ai", tenant_required=False, expires=3600)
def probe_house_provider(provider_id: str) -> None:
    """Test one provider of the house."""
    with public_scope():
        _probe(UUID(provider_id))


@shared_task(name="analytics.probe_providers", tenant_required=False, expires=890)
def probe_providers() -> None:
    """Have every provider tested once a day, and more often while something is wrong."""
    with public_scope():
        for provider_id, tenant_id in due_providers():
            task = probe_provider if tenant_id else probe_house_provider
            enqueue_for(tenant_id, task, provider_id=str(provider_id))


def due_providers() -> list[tuple[UUID, UUID | None]]:
    """Return (provider, company) of those whose last test is too long ago."""
    now = timezone.now()
    due = (
        Q(checked_at=None)
        | Q(checked_at__lt=now - AGAIN_AFTER)
        | (~Q(problem="") & Q(checked_at__lt=now - ILL_AGAIN_AFTER))
    )
    rows = Provider.objects.filter(due, is_active=True).order_by("checked_at")
    return list(rows.values_list("pk", "tenant_id")[:_AT_ONCE])


def _probe(provider_id: UUID) -> None:
    try:
        probe.probe(provider_id)
    except NotFound:
        return
