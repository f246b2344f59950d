"""A received picture is written anew: upright, without metadata, without what hides behind it.

Its size is read before anything is decoded, so a small file cannot fill the memory.
"""

import io
from dataclasses import dataclass
from typing import IO

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from messaging.services.media.refusals import Refused

LARGEST_AREA = 40_000_000
LARGEST_SIDE = 16_000
# What a phone sends is smaller; scans and camera files are brought to this.
KEPT_SIDE = 4096
# All frames of a moving picture together; more than that keeps its first.
MOVING_AREA = 60_000_000
THUMB = (528, 720)
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_BROKEN = (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    ValueError,
    MemoryError,
    EOFError,
    IndexError,
    TypeError,
    KeyError,
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of ours and its small copy (WebP)."""

    content: bytes
    mime: str
    width: int
    height: int
    thumb: bytes


def clean_picture(content: IO[bytes]) -> Picture:
    """Return the picture as we keep it; raises Refused with too_large or damaged."""
    content.seek(0)
    try:
        with Image.open(content, formats=_FORMATS) as image:
            _check_size(image)
            if _moves(image):
                return _moving(image)
            return _still(image)
    except Image.DecompressionBombError as error:
        raise Refused("too_large") from error
    except _BROKEN as error:
        raise Refused("damaged") from error


def thumb_of_picture(content: IO[bytes]) -> bytes:
    """Return the small copy alone, b"" for what is no picture or too large to look at."""
    content.seek(0)
    try:
        with Image.open(content, formats=_FORMATS) as image:
            _check_size(image)
            return _thumb(image)
    except (Refused, Image.DecompressionBombError, *_BROKEN):
        return b""
    finally:
        content.seek(0)


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if max(width, height) > LARGEST_SIDE or width * height > LARGEST_AREA:
        raise Refused("too_large")


def _moves(image: Image.Image) -> bool:
    # A camera's JPEG may hold several pictures that are no film.
    frames = int(getattr(image, "n_frames", 1)) if image.format in {"GIF", "WEBP", "PNG"} else 1
    return frames > 1 and frames * image.width * image.height <= MOVING_AREA


def _still(image: Image.Image) -> Picture:
    kind = {"JPEG": "JPEG", "MPO": "JPEG", "WEBP": "WEBP"}.get(image.format or "", "PNG")
    _shrink(image, (KEPT_SIDE, KEPT_SIDE))
    upright = _plain(image, with_alpha=kind != "JPEG")
    upright.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    options = {"JPEG": {"quality": 88, "optimize": True}, "WEBP": {"quality": 88}, "PNG": {}}
    upright.save(out, format=kind, **options[kind])
    return Picture(
        out.getvalue(), f"image/{kind.lower()}", upright.width, upright.height, _small(upright)
    )


def _moving(image: Image.Image) -> Picture:
    """Write every frame anew as WebP, whatever it came as."""
    thumb, durations, frames = b"", [], []
    for frame in ImageSequence.Iterator(image):
        durations.append(max(20, int(frame.info.get("duration") or 100)))
        frames.append(_plain(frame, with_alpha=True))
        thumb = thumb or _small(frames[0])
    out = io.BytesIO()
    frames[0].save(
        out,
        format="WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
        quality=80,
        method=2,
    )
    return Picture(out.getvalue(), "image/webp", image.width, image.height, thumb)


def _thumb(image: Image.Image) -> bytes:
    _shrink(image, (THUMB[0] * 2, THUMB[1] * 2))
    return _small(_plain(image, with_alpha=True))


def _shrink(image: Image.Image, box: tuple[int, int]) -> None:
    """Turn it upright and make it fit, in place: each copy of a large one costs 120 MB."""
    image.draft("RGB", box)
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode in {"L", "RGB", "RGBA", "CMYK", "YCbCr"}:
        image.thumbnail(box, Image.Resampling.LANCZOS)


def _small(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail(THUMB, Image.Resampling.LANCZOS, reducing_gap=2.0)
    out = io.BytesIO()
    small.save(out, format="WEBP", quality=75, method=2)
    return out.getvalue()


def _plain(image: Image.Image, *, with_alpha: bool) -> Image.Image:
    """Return pixels alone, in colours that every format writes."""
    has_alpha = with_alpha and ("A" in image.getbands() or "transparency" in image.info)
    mode = "RGBA" if has_alpha else "RGB"
    bare = Image.new(mode, image.size)
    bare.paste(image.convert(mode))
    return bare
