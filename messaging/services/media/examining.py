"""From the bytes that somebody sent to what we keep of them, or the reason why not.

One way for what comes in and what people upload: size, type, scanner, then pictures are written
anew. Reads in pieces; only pictures are held in memory, and only after their size was read.
"""

import hashlib
import io
from dataclasses import dataclass
from typing import IO

from django.conf import settings

from messaging.services.media import scanner
from messaging.services.media.kinds import PICTURES, family_of
from messaging.services.media.pictures import clean_picture, thumb_of_picture
from messaging.services.media.refusals import Refused
from messaging.services.media.sniffing import sniff
from messaging.services.media.sounds import length_of

_STICKER_SIDE = 512
_KINDS = frozenset({"image", "video", "audio", "document", "sticker"})


@dataclass(frozen=True, slots=True)
class Kept:
    """What is to be stored. `content` may be the file that was given; b"" is no thumbnail."""

    kind: str
    mime: str
    size: int
    sha256: bytes
    content: IO[bytes]
    thumb: bytes = b""
    width: int | None = None
    height: int | None = None
    seconds: int | None = None


def examine(content: IO[bytes], *, kind: str = "", name: str = "", declared: str = "") -> Kept:
    """Check a file and return what to keep; raises Refused and ScannerAway.

    `kind` is what the message says (what it is shown as); without it the bytes decide. `declared`
    is the sender's type.
    """
    size = content.seek(0, io.SEEK_END)
    if not size:
        raise Refused("empty")
    if size > settings.MEDIA.largest:
        raise Refused("too_large")
    mime = sniff(content, name=name, is_sound=kind == "audio" or declared.startswith("audio/"))
    if family_of(mime) not in settings.MEDIA.families:
        raise Refused("wrong_type")
    scanner.scan(content)
    if mime in PICTURES and kind != "document":
        return _picture(content, kind)
    # What bytes are not what the message says is a document: nothing of it is shown in place.
    is_fitting = family_of(mime) == kind or not kind
    shown_as = family_of(mime) if is_fitting else "document"
    return Kept(
        kind=shown_as if shown_as in _KINDS else "document",
        mime=mime,
        size=size,
        sha256=_digest(content),
        content=content,
        thumb=thumb_of_picture(content) if mime in PICTURES else b"",
        seconds=length_of(content, mime),
    )


def _picture(content: IO[bytes], kind: str) -> Kept:
    found = clean_picture(content)
    is_sticker = found.mime == "image/webp" and found.width == found.height == _STICKER_SIDE
    written = io.BytesIO(found.content)
    return Kept(
        kind="sticker" if kind == "sticker" or (not kind and is_sticker) else "image",
        mime=found.mime,
        size=len(found.content),
        sha256=_digest(written),
        content=written,
        thumb=found.thumb,
        width=found.width,
        height=found.height,
    )


def _digest(content: IO[bytes]) -> bytes:
    content.seek(0)
    # hashlib.file_digest wants readinto, which uploaded files do not have.
    found = hashlib.sha256()
    while piece := content.read(64 * 1024):
        found.update(piece)
    content.seek(0)
    return found.digest()
