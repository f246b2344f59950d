"""An uploaded logo becomes a small PNG of ours: decoded, turned upright, made small, written anew.

Nothing of the file itself survives: no metadata, no second file behind the picture, no script. The
size of the picture is read before it is decoded, so a small file cannot fill the memory.
"""

import hashlib
import io
from dataclasses import dataclass
from typing import BinaryIO

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps, UnidentifiedImageError

from evosense.core.errors import Invalid

LARGEST_FILE = 2 * 1024 * 1024
LARGEST_SIDE = 6000
LARGEST_AREA = 24_000_000
KEPT_BYTES = 256 * 1024
_FORMATS = ("PNG", "JPEG", "WEBP")
_SIDES = (512, 384, 256, 128)


@dataclass(frozen=True, slots=True)
class Logo:
    png: bytes
    digest: str


def clean_logo(upload: BinaryIO) -> Logo:
    """Return the upload as a PNG of at most 512 px and 256 KiB; raises Invalid with the reason."""
    raw = upload.read(LARGEST_FILE + 1)
    if len(raw) > LARGEST_FILE:
        raise _refused("logo_too_large", _("Use a file of at most 2 MB."))
    image = _decode(raw)
    for side in _SIDES:
        png = _encode(image, side)
        if len(png) <= KEPT_BYTES:
            return Logo(png, hashlib.sha256(png).hexdigest()[:16])
    raise _refused("logo_too_large", _("This picture cannot be made small enough."))


def _decode(raw: bytes) -> Image.Image:
    unreadable = _refused("logo_unreadable", _("Use a PNG, JPEG or WebP picture."))
    try:
        # Only these decoders run; SVG, PostScript and the rest are never tried.
        image = Image.open(io.BytesIO(raw), formats=_FORMATS)
        width, height = image.size
        if max(width, height) > LARGEST_SIDE or width * height > LARGEST_AREA:
            raise _refused("logo_too_large", _("Use a picture of at most 6000 pixels a side."))
        image.load()
        return ImageOps.exif_transpose(image).convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise unreadable from error
    except (OSError, SyntaxError, ValueError, MemoryError, EOFError, IndexError) as error:
        # Whatever a decoder stumbles over in a broken file.
        raise unreadable from error


def _encode(image: Image.Image, side: int) -> bytes:
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    # A fresh picture carries over pixels and nothing else.
    bare = Image.new("RGBA", small.size)
    bare.paste(small)
    out = io.BytesIO()
    bare.save(out, format="PNG", optimize=True)
    return out.getvalue()


def _refused(code: str, message: object) -> Invalid:
    return Invalid(code, message, field="logo")
