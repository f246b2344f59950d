"""Files that the storage lost: noticed where one is opened, and fetched again while that works."""

import structlog

from messaging.models import MessageMedia
from messaging.services.media import claims, store

logger = structlog.get_logger(__name__)


def note_lost(media: MessageMedia) -> bool:
    """Have a stored file that is gone fetched anew, or, in the end, called unavailable.

    Asks the storage; call it outside transactions. True when the file itself was found missing.
    Where nothing at all of the company is found somebody forgot to mount the storage: then its
    rows must not forget where their files are. Raises StoreAway.
    """
    if media.status != MessageMedia.Status.STORED or not store.holds_anything():
        return False
    if _is_there(media.storage_key):
        if media.thumb_key and not _is_there(media.thumb_key):
            claims.lose_thumb(media)
        return False
    logger.warning("media_file_lost", media=media.pk)
    return claims.lose(media)


def _is_there(storage_key: str) -> bool:
    try:
        store.size_of(storage_key)
    except FileNotFoundError:
        return False
    return True
