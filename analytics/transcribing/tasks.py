"""Transcribing in fair turns; all of it may be repeated."""

from typing import Any

from celery import shared_task

from analytics.analysis.settings import ai_settings
from analytics.transcribing import jobs, working
from messaging.selectors.recordings import recordings_of
from tenancy.db.tickets import fair_call


@shared_task(name="analytics.note_recordings", allow_suspended=True)
def note_recordings(*, event_id: int, payload: dict[str, Any]) -> None:  # noqa: ARG001
    """Queue recordings that were stored now. Subscriber of MediaChanged; again changes nothing.

    Those of groups only where groups are analysed. A company that has nothing transcribed queues
    nothing, so that switching it on begins with what comes then.
    """
    settings = ai_settings()
    if not settings.transcribes:
        return
    found = recordings_of(payload["message_ids"])
    if jobs.want(
        [one.message_id for one in found if one.kind == "person" or settings.analyses_groups]
    ):
        begin_transcribing()


def begin_transcribing() -> None:
    """Have a worker look at the queue."""
    fair_call("ai", transcribe_waiting)


@shared_task(name="analytics.transcribe_waiting")
def transcribe_waiting() -> None:
    """Transcribe one recording; goes on in a turn of its own while some are left."""
    if working.transcribe_next() and jobs.is_due():
        fair_call("ai", transcribe_waiting)


def begin_if_due() -> None:
    """Pick up what was lost, what a dead worker held, and pauses that ended."""
    jobs.put_aside()
    if jobs.is_due():
        begin_transcribing()
