"""Recordings whose words nobody wrote down yet, for whoever transcribes."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q

from messaging.models import MessageMedia


@dataclass(frozen=True, slots=True)
class Recording:
    """A stored sound; `size` in bytes, `seconds` None where the file does not say it plainly."""

    media_id: int
    message_id: int
    kind: str
    storage_key: str
    mime: str
    size: int
    seconds: int | None


def recordings_of(message_ids: Collection[int]) -> list[Recording]:
    """Return the stored sounds without a transcript of messages that people can read.

    `kind` is that of the conversation: person, group, broadcast.
    """
    rows = MessageMedia.objects.filter(
        Q(transcript=None) | Q(transcript=""),
        message_id__in=message_ids,
        kind="audio",
        status=MessageMedia.Status.STORED,
        message__is_hidden=False,
        message__deleted_at=None,
        message__view_once=False,
    )
    columns = (
        "pk", "message_id", "message__conversation__kind", "storage_key", "mime", "size", "seconds"
    )  # fmt: skip
    return [Recording(*row) for row in rows.order_by("message_id").values_list(*columns)]
