"""The text of a recording.

Whoever transcribes hears of files by `MediaChanged`, reads them with `open_stored` and brings the
text here (`analytics.transcribing`).
"""

from django.db import transaction

from evosense.core.outbox import emit
from messaging.events import MediaChanged
from messaging.models import MessageMedia


def note_transcript(media_id: int, text: str) -> bool:
    """Keep what a recording says and have open pages show it; False when the file is not there.

    A later, better transcript replaces an earlier one; the same text again changes nothing.
    """
    with transaction.atomic():
        rows = MessageMedia.objects.select_for_update(of=("self",)).select_related("message")
        media = rows.filter(pk=media_id, status=MessageMedia.Status.STORED).first()
        if media is None:
            return False
        if media.transcript != text:
            media.transcript = text
            media.save(update_fields=["transcript"])
            emit(
                MediaChanged(
                    connection_id=media.message.connection_id,
                    message_ids=[media.message_id],
                    conversation_ids=[media.message.conversation_id],
                )
            )
    return True
