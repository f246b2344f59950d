"""A person stops a number's sending line and lets it go on."""

from uuid import UUID

from django.db import transaction

from messaging.gateway import lanes
from messaging.selectors.connections import living
from messaging.services.trail import write_down


def pause_sending(public_id: UUID) -> None:
    """Let nothing new leave for this number until somebody resumes; raises NotFound."""
    connection = living(public_id)
    with transaction.atomic():
        write_down("connection.sending_paused", connection)
        lanes.pause(public_id)


def resume_sending(public_id: UUID) -> None:
    """Let the line go on, whatever stopped it; a cause that lasts stops it again."""
    connection = living(public_id)
    with transaction.atomic():
        write_down("connection.sending_resumed", connection)
        lanes.resume(public_id)
