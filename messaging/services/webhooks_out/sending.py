"""The attempts themselves: claim, ask outside transactions, settle."""

import time

import orjson
import structlog
from django.utils import timezone

from evosense.core.http import EgressError, send
from messaging.models import WebhookDelivery
from messaging.services.webhooks_out import claims
from messaging.services.webhooks_out.answers import Outcome, outcome_of, outcome_of_failure
from messaging.services.webhooks_out.settling import ATTEMPTS, settle
from messaging.services.webhooks_out.signing import signed_headers

TIMEOUT_SECONDS = 15.0
# One task's share, well inside the lease of the lane; the rest waits its turn.
TURN_SECONDS = 60.0
# What ends the worker or raises here would do so for ever.
MOST_CLAIMS = ATTEMPTS + 4
LONGEST_ANSWER = 256 * 1024
logger = structlog.get_logger(__name__)


def send_due() -> bool:
    """Send what is due until nothing is left for us; True when there was no time for more."""
    started = time.monotonic()
    while time.monotonic() - started < TURN_SECONDS:
        delivery = claims.take()
        if delivery is None:
            return False
        try:
            attempt(delivery)
        except Exception:
            # One delivery must not hold up the others; its claim ends with its lease.
            logger.exception("webhook_failed", delivery=delivery.pk)
    return True


def attempt(delivery: WebhookDelivery) -> None:
    """Send a claimed delivery once and settle it. Call it outside transactions."""
    if delivery.attempts > MOST_CLAIMS:
        settle(delivery, Outcome(error="gave_up"))
    else:
        settle(delivery, _asked(delivery))


def body_of(delivery: WebhookDelivery) -> bytes:
    """Return the body, the same bytes in every attempt."""
    return orjson.dumps(
        {
            "type": delivery.type,
            "timestamp": delivery.occurred_at,
            "data": delivery.data,
        },
        option=orjson.OPT_UTC_Z | orjson.OPT_SORT_KEYS,
    )


def _asked(delivery: WebhookDelivery) -> Outcome:
    now, body = timezone.now(), body_of(delivery)
    headers = {
        "Content-Type": "application/json",
        **signed_headers(delivery, body, at=now),
    }
    try:
        answer = send(
            "POST",
            delivery.endpoint.url,
            headers=headers,
            body=body,
            total_seconds=TIMEOUT_SECONDS,
            longest=LONGEST_ANSWER,
            purpose="webhook",
        )
    except EgressError as error:
        return outcome_of_failure(error)
    return outcome_of(answer, now=now)
