"""Who fetches a file now: one worker at a time, by one conditional UPDATE with a lease.

A claim writes the new file's name into the row before anything is written under it. So whatever a
killed worker left has its name in the row, and the next claim removes it. The name also is the
token by which only the holder of the newest claim can settle.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from evosense.core.outbox import emit
from evosense.core.schema import database_cursor
from messaging.events import MediaChanged
from messaging.models import MessageMedia
from messaging.services.media import store

Status = MessageMedia.Status
# Longer than the slowest fetch: the server's answer, the scanner, the storage.
LEASE = timedelta(minutes=5)
# After the first, second, … attempt that found nothing.
PAUSES = (10, 60, 600, 3600)
# Somebody wants it: it is fetched however old it is.
ASKED = "asked"
# It was here, and the storage has it no more; somebody opened it, so it counts as asked for.
LOST = "lost"
_TAKE = """
UPDATE messaging_messagemedia SET
    attempts = attempts + 1, next_attempt_at = now() + %s, storage_key = %s
WHERE id = %s AND status = 'pending' AND (next_attempt_at IS NULL OR next_attempt_at <= now())
RETURNING old.storage_key
"""


def take(media_id: int) -> MessageMedia | None:
    """Return a file that nobody else fetches for the length of a lease, or None."""
    key = store.new_key()
    with database_cursor() as cursor:
        cursor.execute(_TAKE, [LEASE, key, media_id])
        row = cursor.fetchone()
    if row is None:
        return None
    # What a worker wrote that died before it could say so.
    store.discard(row[0])
    found: MessageMedia = MessageMedia.objects.select_related("message__connection").get(
        pk=media_id
    )
    return found if found.storage_key == key else None


def due() -> QuerySet[MessageMedia]:
    """Return what may be fetched now."""
    is_due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=Now())
    return MessageMedia.objects.filter(is_due, status=Status.PENDING)


def soonest(media_ids: Sequence[int]) -> float | None:
    """Return the seconds until the first of these is due again, None when none waits."""
    waiting = MessageMedia.objects.filter(
        pk__in=media_ids, status=Status.PENDING, storage_key="", next_attempt_at__gt=Now()
    )
    first = waiting.order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first()
    return max(0.0, (first - timezone.now()).total_seconds()) if first else None


def settle(media: MessageMedia, **values: Any) -> bool:
    """Write the outcome and tell everybody; False when the claim was lost meanwhile.

    Whoever settles otherwise than stored removes the files first: their names go with the row.
    """
    with transaction.atomic():
        held = MessageMedia.objects.filter(
            pk=media.pk, status=Status.PENDING, storage_key=media.storage_key
        )
        if not held.update(**values):
            return False
        _tell([media])
    return True


def stored(media: MessageMedia, **values: Any) -> bool:
    """Settle with a file that is in the storage; removes it when the claim was lost."""
    is_ours = settle(
        media,
        status=Status.STORED,
        stored_at=timezone.now(),
        next_attempt_at=None,
        failure="",
        remote_url="",
        **values,
    )
    if not is_ours:
        store.discard(media.storage_key)
    return is_ours


def ended(media: MessageMedia, status: str, code: str) -> bool:
    """Settle without a file, and say why."""
    store.discard(media.storage_key)
    return settle(media, status=status, failure=code, next_attempt_at=None, storage_key="")


def later(media: MessageMedia, code: str, *, seconds: float, counts: bool = True) -> bool:
    """Give the claim back until then. With `counts=False` it was our own fault: no attempt."""
    store.discard(media.storage_key)
    return settle(
        media,
        failure=code,
        next_attempt_at=timezone.now() + timedelta(seconds=seconds),
        storage_key="",
        attempts=media.attempts - (0 if counts else 1),
    )


def reopen(media: MessageMedia) -> bool:
    """Have it fetched anew, as if it had just come; False when it is stored or being fetched."""
    with transaction.atomic():
        # A name while it is pending: somebody is writing under it.
        is_free = ~Q(status=Status.STORED) & (Q(storage_key="") | ~Q(next_attempt_at__gt=Now()))
        rows = MessageMedia.objects.filter(is_free, pk=media.pk)
        if not rows.update(status=Status.PENDING, attempts=0, next_attempt_at=None, failure=ASKED):
            return False
        _tell([media])
    return True


def lose(media: MessageMedia) -> bool:
    """Have a stored file fetched that the storage no longer has; False when somebody was faster."""
    with transaction.atomic():
        rows = MessageMedia.objects.filter(
            pk=media.pk, status=Status.STORED, storage_key=media.storage_key
        )
        fresh = {"attempts": 0, "next_attempt_at": None, "storage_key": "", "thumb_key": ""}
        if not rows.update(status=Status.PENDING, failure=LOST, **fresh):
            return False
        _tell([media])
    return True


def lose_thumb(media: MessageMedia) -> None:
    """Forget a small picture that the storage no longer has."""
    with transaction.atomic():
        rows = MessageMedia.objects.filter(pk=media.pk, thumb_key=media.thumb_key)
        if rows.update(thumb_key=""):
            _tell([media])


def _tell(found: Sequence[MessageMedia]) -> None:
    for one in found:
        emit(
            MediaChanged(
                connection_id=one.message.connection_id,
                message_ids=[one.message_id],
                conversation_ids=[one.message.conversation_id],
            )
        )
