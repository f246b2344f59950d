"""Who sends a delivery now: one worker at a time, and few at one endpoint.

A claim counts the attempt and takes a lease; both together are the token by which only its holder
can settle. Claims and settlements of one endpoint take turns at the endpoint's row, so
the limit holds, and a dead endpoint has two workers at most while others are served.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone

from evosense.core.schema import TenantRef, tenant_scope
from messaging.models import WebhookDelivery, WebhookEndpoint
from tenancy.selectors.tenants import ready_tenants

State = WebhookDelivery.State
AT_ONCE = 2
# Longer than an attempt takes: the time-out, and the wait for a seat at the egress door.
LEASE = timedelta(seconds=60)
WAITING = (State.PENDING, State.SENDING)


def take() -> WebhookDelivery | None:
    """Return a due delivery that nobody else sends for the length of a lease, or None."""
    now = timezone.now()
    waiting = due(now).values("endpoint_id").annotate(first=Min("next_at")).order_by("first")
    for endpoint_id in waiting.values_list("endpoint_id", flat=True):
        found = _take_of(endpoint_id, now)
        if found is not None:
            return found
    return None


def due(now: datetime) -> QuerySet[WebhookDelivery]:
    """Return what may be sent now, with what a dead worker held."""
    return WebhookDelivery.objects.filter(
        Q(endpoint__paused_until=None) | Q(endpoint__paused_until__lte=now),
        endpoint__is_active=True,
        state__in=WAITING,
        next_at__lte=now,
    )


def soonest() -> float | None:
    """Return the seconds until the first waiting retry is due, None when none waits."""
    now = timezone.now()
    rows = WebhookDelivery.objects.filter(
        endpoint__is_active=True, state=State.PENDING, next_at__gt=now
    )
    first = rows.aggregate(first=Min("next_at"))["first"]
    return (first - now).total_seconds() if first else None


def lock(endpoint_id: int) -> WebhookEndpoint | None:
    """Take the endpoint's turn for the rest of the transaction; None when it is gone."""
    rows = WebhookEndpoint.objects.select_for_update(no_key=True)
    return rows.filter(pk=endpoint_id).first()


def held(delivery: WebhookDelivery) -> QuerySet[WebhookDelivery]:
    """Return the row as long as this claim is the newest one; compare and set with it."""
    return WebhookDelivery.objects.filter(
        pk=delivery.pk,
        state=State.SENDING,
        attempts=delivery.attempts,
        next_at=delivery.next_at,
    )


def waiting(tenant: TenantRef | None) -> int:
    """Count what could leave now or is under way, of one tenant or of all."""
    total = 0
    for each in [tenant] if tenant else ready_tenants():
        with tenant_scope(each):
            now = timezone.now()
            flying = Q(state=State.SENDING, next_at__gt=now)
            total += due(now).count() + WebhookDelivery.objects.filter(flying).count()
    return total


def _take_of(endpoint_id: int, now: datetime) -> WebhookDelivery | None:
    with transaction.atomic():
        endpoint = lock(endpoint_id)
        own = WebhookDelivery.objects.filter(endpoint_id=endpoint_id)
        if endpoint is None or own.filter(state=State.SENDING, next_at__gt=now).count() >= AT_ONCE:
            return None
        found = due(now).filter(endpoint_id=endpoint_id).order_by("next_at", "pk").first()
        if found is None:
            return None
        found.state, found.next_at = State.SENDING, now + LEASE
        found.attempts += 1
        found.save(update_fields=["state", "next_at", "attempts"])
        found.endpoint = endpoint
        return found
