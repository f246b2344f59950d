"""Bring the bytes of received media into our storage, each exactly once.

The network, the scanner and the storage are asked outside transactions; only claims and outcomes
are written (`claims`).
"""

import io
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict
from evosense.core.errors import NotFound as NotFoundError
from messaging.models import MessageMedia
from messaging.services.media import claims, sources, store
from messaging.services.media.examining import Kept, examine
from messaging.services.media.pictures import thumb_of_picture
from messaging.services.media.refusals import Refused, ScannerAway

Status = MessageMedia.Status
# One task's share; the rest waits its turn like other companies' files.
SECONDS = 60.0
# Our own storage or scanner is away: that is no attempt, and it is looked at again soon.
OUR_PAUSE = 60
# A server that cannot be asked is asked every hour for this long.
AWAY_FOR = timedelta(days=2)
# The bytes are not for us; asking again brings the same bytes.
_SKIPPED = frozenset({"too_large", "wrong_type", "infected"})
# A person may ask for these again.
RETRIABLE = frozenset({Status.UNAVAILABLE, Status.PENDING})
VIEW_ONCE = "view_once"
# Attempts that end without a word count too: workers that were killed, errors of ours.
MOST_ATTEMPTS = len(claims.PAUSES) + 4
logger = structlog.get_logger(__name__)


def fetch(media_ids: Iterable[int]) -> list[int]:
    """Fetch what nobody else does; returns those that there was no time for."""
    started, waiting = time.monotonic(), list(media_ids)
    while waiting and time.monotonic() - started < SECONDS:
        media_id = waiting.pop(0)
        try:
            fetch_one(media_id)
        except Exception:
            # One file must not hold up the others; its claim ends with its lease.
            logger.exception("media_fetch_failed", media=media_id)
    return waiting


def fetch_one(media_id: int) -> None:
    """Fetch one file, unless somebody else does or it is not due."""
    media = claims.take(media_id)
    if media is None or _was_refused(media):
        return
    try:
        kept = _fetched(media)
    except sources.NotFound as missing:
        _missed(media, missing)
    except Refused as refusal:
        status = Status.SKIPPED if refusal.code in _SKIPPED else Status.UNAVAILABLE
        claims.ended(media, status, refusal.code)
    except ScannerAway:
        claims.later(media, "scanner_away", seconds=OUR_PAUSE, counts=False)
    except store.StoreAway:
        claims.later(media, "storage_away", seconds=OUR_PAUSE, counts=False)
    else:
        _stored(media, kept)


def _was_refused(media: MessageMedia) -> bool:
    """End a claim for which nobody is to be asked."""
    if media.message.view_once:
        # What opens once is between two phones.
        claims.ended(media, Status.SKIPPED, VIEW_ONCE)
        return True
    if media.attempts > MOST_ATTEMPTS:
        # Whatever ends the worker or raises here would do so for ever.
        claims.ended(media, Status.UNAVAILABLE, "gave_up")
        return True
    return False


def retry_fetch(media_id: int) -> None:
    """Ask again for a file that was not to be had.

    Raises NotFound, or Conflict("media_not_retriable") where asking again makes no sense.
    """
    media = MessageMedia.objects.select_related("message").filter(pk=media_id).first()
    if media is None:
        raise NotFoundError("media_not_found", _("This file does not exist."))
    if not may_retry(media) or not claims.reopen(media):
        message = _("This file is here, is just being fetched, or is not kept.")
        raise Conflict("media_not_retriable", message)


def may_retry(media: MessageMedia) -> bool:
    """Tell whether a person may ask for it again."""
    return media.status in RETRIABLE or (
        media.status == Status.SKIPPED and media.failure == sources.OLD
    )


def _may_ask(media: MessageMedia) -> bool:
    """Tell whether the server is asked: for what is fresh, and for what a person asked for.

    Only the first look finds no failure; `reopen` leaves one.
    """
    age = timezone.now() - media.message.occurred_at
    return age <= timedelta(days=settings.MEDIA.fetch_days) or bool(media.failure)


def _fetched(media: MessageMedia) -> Kept:
    """Bring, check and store one file under the name that the claim chose."""
    found = sources.bytes_of(media, may_ask=_may_ask(media))
    kept = examine(found.content, kind=media.kind, name=media.name, declared=media.mime)
    if kept.kind == "video" and found.preview:
        kept = replace(kept, thumb=thumb_of_picture(io.BytesIO(found.preview)))
    store.save(media.storage_key, kept.content)
    if kept.thumb:
        store.save(store.thumb_of(media.storage_key), io.BytesIO(kept.thumb))
    return kept


def _stored(media: MessageMedia, kept: Kept) -> None:
    claims.stored(
        media,
        kind=kept.kind,
        mime=kept.mime,
        size=kept.size,
        sha256=kept.sha256,
        width=kept.width or media.width,
        height=kept.height or media.height,
        seconds=media.seconds or kept.seconds,
        thumb_key=store.thumb_of(media.storage_key) if kept.thumb else "",
    )


def _missed(media: MessageMedia, missing: sources.NotFound) -> None:
    pauses = claims.PAUSES
    if missing.is_final:
        is_skipped = missing.code == sources.OLD or missing.code in _SKIPPED
        claims.ended(media, Status.SKIPPED if is_skipped else Status.UNAVAILABLE, missing.code)
    elif media.attempts <= len(pauses):
        claims.later(media, missing.code, seconds=pauses[media.attempts - 1])
    elif missing.is_away and timezone.now() - media.message.received_at < AWAY_FOR:
        claims.later(media, missing.code, seconds=pauses[-1], counts=False)
    else:
        claims.ended(media, Status.UNAVAILABLE, missing.code)
