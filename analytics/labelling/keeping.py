"""Keeping what one person says of one message; a newer word of the same kind replaces it."""

from analytics.labelling.words import Word
from analytics.models import Label, ReviewItem


def keep(
    message_id: int,
    user_id: int,
    source: str,
    word: Word,
    *,
    item: ReviewItem | None = None,
    seconds: int | None = None,
) -> Label:
    """Write a label inside the caller's transaction, which holds the message or its item."""
    earlier = Label.objects.filter(
        message_id=message_id, user_id=user_id, source=source, is_current=True
    )
    earlier.update(is_current=False)
    return Label.objects.create(
        message_id=message_id,
        item=item,
        source=source,
        user_id=user_id,
        sentiment=word.sentiment,
        emotion=word.emotion,
        satisfaction=word.satisfaction,
        tone=word.tone,
        seconds=None if seconds is None else max(0, min(seconds, 3_600)),
    )
