"""Where bytes are kept: Django's default storage, below the folder of the active tenant.

That folder is what archives carry and deletion removes (`tenancy.archive.files`). Keys are relative
to it, so a company that moves keeps them, and none of them can name another company's file.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import structlog
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.utils import timezone

from evosense.core.schema import current_tenant
from tenancy.archive.files import folder_of

PIECE = 64 * 1024
logger = structlog.get_logger(__name__)
_KEY = re.compile(r"media/\d{4}/\d{2}/[0-9a-f]{40}(-thumb)?")


class StoreAway(OSError):  # noqa: N818  (read as a sentence where raised)
    """The storage did not take or give a file; the file itself is fine."""


@contextmanager
def _one_error() -> Iterator[None]:
    """Make one error of what each storage calls otherwise; a missing file stays that."""
    try:
        yield
    except (FileNotFoundError, StoreAway):
        raise
    except Exception as error:
        raise StoreAway(type(error).__name__) from error


def new_key() -> str:
    """Return a name that tells nobody anything but the month."""
    return f"media/{timezone.now():%Y/%m}/{secrets.token_hex(20)}"


def thumb_of(storage_key: str) -> str:
    """Return the name of the small picture that goes with a file."""
    return f"{storage_key}-thumb"


def save(storage_key: str, content: IO[bytes]) -> None:
    """Write a file under exactly this name; raises StoreAway with whatever went wrong."""
    content.seek(0)
    path = _path(storage_key)
    with _one_error():
        found = default_storage.save(path, File(content))
    if found != path:
        default_storage.delete(found)
        raise StoreAway("the name is taken")


def delete(storage_key: str) -> None:
    """Remove a file and its small picture; what is not there is fine."""
    for key in (storage_key, thumb_of(storage_key)) if storage_key else ():
        default_storage.delete(_path(key))


def discard(storage_key: str) -> None:
    """Remove a file that no row names, now or, while the storage is away, by the daily sweep."""
    try:
        delete(storage_key)
    except Exception:
        # Each storage has errors of its own.
        logger.warning("media_file_left_behind", exc_info=True)


def open_stored(storage_key: str) -> "File[bytes]":
    """Open a stored file for reading; raises FileNotFoundError, StoreAway. Close it."""
    with _one_error():
        return default_storage.open(_path(storage_key), "rb")


def read_bytes(storage_key: str) -> bytes:
    """Return a whole stored file; raises FileNotFoundError, StoreAway."""
    with _one_error(), open_stored(storage_key) as content:
        return bytes(content.read())


def size_of(storage_key: str) -> int:
    """Return the bytes of a stored file; raises FileNotFoundError, StoreAway."""
    with _one_error():
        return int(default_storage.size(_path(storage_key)))


def holds_anything() -> bool:
    """Tell whether the storage has anything of the active company; raises StoreAway."""
    with _one_error():
        try:
            folders, files = default_storage.listdir(f"{folder_of(current_tenant().id)}/media")
        except FileNotFoundError:
            return False
    return bool(folders or files)


def open_part(storage_key: str, start: int, length: int) -> Iterator[bytes]:
    """Open a file now and return its bytes from `start` in pieces; raises as `size_of`."""
    path = _path(storage_key)
    bucket: Any = getattr(default_storage, "bucket", None)
    with _one_error():
        if bucket is not None:
            # The storage's own file would be fetched whole for every range of a video.
            asked = {"Range": f"bytes={start}-{start + length - 1}"} if length else {}
            return _pieces(bucket.Object(path).get(**asked)["Body"], length)
        content = default_storage.open(path, "rb")
        content.seek(start)
    return _pieces(content, length)


def _pieces(content: Any, length: int) -> Iterator[bytes]:
    try:
        while length > 0 and (piece := content.read(min(PIECE, length))):
            length -= len(piece)
            yield piece
    finally:
        content.close()


def _path(storage_key: str) -> str:
    if not _KEY.fullmatch(storage_key):
        raise FileNotFoundError(storage_key)
    return f"{folder_of(current_tenant().id)}/{storage_key}"
