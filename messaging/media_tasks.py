"""Fetching files in fair order, and what is swept."""

from typing import Any

from celery import shared_task

from evosense.core.schema import current_tenant, enqueue_later
from messaging.models import MessageMedia
from messaging.services.media import claims, sweeping
from messaging.services.media.fetching import fetch
from tenancy.db import fair
from tenancy.db.tickets import fair_enqueue

# Longer pauses are ended by the sweep of each minute.
SHORT_PAUSE = 90


@shared_task(name="messaging.fetch_stored_media", allow_suspended=True)
def fetch_stored_media(event_id: int, payload: dict[str, Any]) -> None:  # noqa: ARG001
    """Fetch the files of a batch of new messages (subscriber of MessagesStored)."""
    found = MessageMedia.objects.filter(
        message_id__in=payload["message_ids"], status=MessageMedia.Status.PENDING
    )
    _fetch(list(found.order_by("pk").values_list("pk", flat=True)))


@shared_task(name="messaging.fetch_media", allow_suspended=True)
def fetch_media(media_ids: list[int]) -> None:
    """Fetch these, as far as they are due."""
    _fetch(media_ids)


@shared_task(name="messaging.fetch_media_later", allow_suspended=True, expires=600, queue="media")
def fetch_media_later(media_ids: list[int]) -> None:
    """Join the queue after a pause."""
    fair_enqueue("media", fetch_media, media_ids=media_ids)


@shared_task(name="messaging.sweep_media", allow_suspended=True)
def sweep_media() -> None:
    """Queue what is due and in nobody's hands."""
    if fair.waiting("media", current_tenant().id):
        # It is being worked on; adding would queue the same files again and again.
        return
    media_ids = sweeping.missed()
    if media_ids:
        fair_enqueue("media", fetch_media, media_ids=media_ids)


@shared_task(name="messaging.sweep_files", allow_suspended=True)
def sweep_files() -> None:
    """Remove uploads that nobody used and files that no row names."""
    sweeping.drop_unused()
    sweeping.drop_orphans()


def _fetch(media_ids: list[int]) -> None:
    left = fetch(media_ids)
    if left:
        fair_enqueue("media", fetch_media, media_ids=left)
    pause = claims.soonest(media_ids)
    if pause is not None and pause <= SHORT_PAUSE:
        enqueue_later(fetch_media_later, pause + 0.5, media_ids=media_ids)
