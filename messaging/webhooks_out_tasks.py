"""Webhooks to companies' own systems: rows for events, their sending, and what is swept."""

from typing import Any

from celery import shared_task

from evosense.core.schema import enqueue_later
from messaging.services.webhooks_out import claims, noting, sending, upkeep

# Longer pauses are ended by the sweep of each minute.
SHORT_PAUSE = 50


@shared_task(name="messaging.note_webhook_event", allow_suspended=True)
def note_webhook_event(*, event_id: int, payload: dict[str, Any], type: str) -> None:  # noqa: A002
    """Make the deliveries of an event of the outbox (subscriber of all offered ones)."""
    noting.note_event(event_id, payload, type)


@shared_task(name=noting.SEND_TASK, allow_suspended=True)
def send_webhooks() -> None:
    """Send what is due in the database; calls again when there was no time for all of it."""
    if sending.send_due():
        noting.wake()
    pause = claims.soonest()
    if pause is not None and pause <= SHORT_PAUSE:
        enqueue_later(sweep_webhooks_out, pause + 0.5)


@shared_task(name="messaging.sweep_webhooks_out", allow_suspended=True)
def sweep_webhooks_out() -> None:
    """Call for what is due: retries, and what lost its ticket or its worker."""
    upkeep.sweep()


@shared_task(name="messaging.forget_webhooks_out", allow_suspended=True)
def forget_webhooks_out() -> None:
    """Keep deliveries for 30 days."""
    upkeep.forget_old()
