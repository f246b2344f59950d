"""A person stops a number's sending line and lets it go on; a removed number's is taken away."""

from uuid import UUID

from django.db import transaction

from messaging.gateway import lanes
from messaging.models import Connection, Outgoing
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


def close_line(connection: Connection) -> None:
    """Take the line of a removed number away, once nothing of it is on its way any more."""
    on_the_way = (Outgoing.State.SENDING, Outgoing.State.UNKNOWN)
    open_ones = Outgoing.objects.filter(connection=connection, state__in=on_the_way)
    with transaction.atomic():
        if not open_ones.exists():
            lanes.close(connection.public_id)
