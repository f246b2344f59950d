"""What becomes of a delivery, and of its endpoint, after an attempt."""

import random
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from messaging.models import WebhookDelivery, WebhookEndpoint
from messaging.services.webhooks_out import claims
from messaging.services.webhooks_out.answers import BUSY, GONE, Outcome
from messaging.services.webhooks_out.disabling import disable
from messaging.services.webhooks_out.kinds import TEST, event_type

State = WebhookDelivery.State
# Between attempts, three days and a bit in all (Standard Webhooks).
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)
ATTEMPTS = len(PAUSES) + 1
# Many failures of one outage must not come back at the same second.
JITTER = 0.1
GIVEN_UP_AFTER = timedelta(days=5)
BUSY_PAUSE = timedelta(seconds=5)
# From the fifth failure in a row it gets a rest, longer with each: 30 s, 1 min, … half an hour.
PATIENCE = 5
FIRST_REST, LONGEST_REST = timedelta(seconds=30), timedelta(minutes=30)


def settle(delivery: WebhookDelivery, outcome: Outcome) -> None:
    """Write down what an attempt led to, unless its claim was lost meanwhile."""
    with transaction.atomic():
        endpoint, now = claims.lock(delivery.endpoint_id), timezone.now()
        if endpoint is None:
            return
        values = _values(delivery, outcome, now, is_on=endpoint.is_active)
        if not claims.held(delivery).update(**values):
            return
        if not outcome.error:
            _reached(endpoint, delivery, now)
        elif outcome.error != BUSY and delivery.type != TEST:
            _failed(endpoint, outcome, now)


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many failed attempts, a little more or less."""
    return PAUSES[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311


def _values(
    delivery: WebhookDelivery, outcome: Outcome, now: datetime, *, is_on: bool
) -> dict[str, Any]:
    """Return the columns of the delivery as they are from now on."""
    if outcome.error == BUSY and delivery.type != TEST:
        later = {"state": State.PENDING, "attempts": delivery.attempts - 1}
        return {**later, "next_at": now + BUSY_PAUSE, "last_error": BUSY}
    seen = {"last_status": outcome.status, "last_error": outcome.error}
    if not outcome.error:
        return {**seen, "state": State.DELIVERED, "next_at": None, "finished_at": now}
    if delivery.attempts >= ATTEMPTS or delivery.type == TEST or outcome.error == GONE:
        return {**seen, "state": State.FAILED, "next_at": None, "finished_at": now}
    if not is_on:
        return {**seen, "state": State.DROPPED, "next_at": None, "finished_at": now}
    pause = max(pause_after(delivery.attempts), outcome.pause or timedelta(0))
    return {**seen, "state": State.PENDING, "next_at": now + pause}


def _reached(endpoint: WebhookEndpoint, delivery: WebhookDelivery, now: datetime) -> None:
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        failing_since=None, failures=0, paused_until=None, delivered_at=now
    )
    offered = event_type(delivery.type)
    if offered is not None and offered.reached is not None:
        offered.reached(delivery.data, now)


def _failed(endpoint: WebhookEndpoint, outcome: Outcome, now: datetime) -> None:
    """Count it, give the endpoint a rest, and switch off one that is gone or has been for days."""
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    rest = outcome.pause or _rest(endpoint.failures)
    if rest:
        endpoint.paused_until = now + rest
    endpoint.save(update_fields=["failures", "failing_since", "paused_until"])
    if outcome.error == GONE:
        disable(endpoint, "gone", now)
    elif now - endpoint.failing_since >= GIVEN_UP_AFTER:
        disable(endpoint, "failing", now)


def _rest(failures: int) -> timedelta:
    if failures < PATIENCE:
        return timedelta(0)
    doubled: timedelta = FIRST_REST * 2 ** min(failures - PATIENCE, 10)
    return min(doubled, LONGEST_REST)
