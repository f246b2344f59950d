"""Putting raw events back into the queue, after whatever kept them out was mended."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict
from evosense.core.schema import database_cursor, public_scope
from messaging.ingest.models import WebhookEvent
from messaging.selectors.raw_events import raw_event_model

_REPLAYABLE = (WebhookEvent.Status.KEPT, WebhookEvent.Status.DEAD)


def replay_event(connection_id: UUID, event_id: str) -> None:
    """Make an event that was kept or gave up wait again, with all its attempts.

    Applying it twice would change nothing, but one that is done or waiting is refused, because
    whoever asks believes something else about it.
    """
    event = raw_event_model(connection_id, event_id)
    with public_scope(), transaction.atomic():
        waiting = WebhookEvent.objects.filter(
            received_at=event.received_at, pk=event.pk, status__in=_REPLAYABLE
        )
        # The body of one that was too large was never kept.
        moved = waiting.exclude(flag="oversize").update(
            status=WebhookEvent.Status.PENDING,
            attempts=0,
            next_attempt_at=timezone.now(),
            processed_at=None,
            error_message="",
        )
        if not moved:
            message = _("Only events that were kept or gave up can be replayed.")
            raise Conflict("event_not_replayable", message)
        with database_cursor() as cursor:
            cursor.execute("NOTIFY ingest")
