"""What the kinds and types of files are called, and which of them a browser may show."""

from collections.abc import Mapping

PICTURES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
AUDIO = frozenset(
    {
        "audio/ogg",
        "audio/mpeg",
        "audio/mp4",
        "audio/aac",
        "audio/amr",
        "audio/wav",
        "audio/webm",
    }
)
VIDEO = frozenset({"video/mp4", "video/3gpp", "video/webm", "video/quicktime"})
THUMB_MIME = "image/webp"
UNKNOWN = "application/octet-stream"
_ENDINGS: Mapping[str, str] = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/wav": "wav",
    "audio/webm": "weba",
    "video/mp4": "mp4",
    "video/3gpp": "3gp",
    "video/webm": "webm",
    "video/quicktime": "mov",
    "application/pdf": "pdf",
}


def family_of(mime: str) -> str:
    """Return image, video, audio, document, or other for what nobody could name."""
    first = mime.partition("/")[0]
    if mime == UNKNOWN:
        return "other"
    return first if first in {"image", "video", "audio"} else "document"


def may_show(kind: str, mime: str) -> bool:
    """Tell whether a browser may open it in place: pictures that we wrote, sound and film.

    A picture that was sent as a document is kept as it came, so it is for download only.
    """
    if kind in {"image", "sticker"}:
        return mime in PICTURES
    return kind in {"audio", "video"} and mime in AUDIO | VIDEO


def served_mime(mime: str) -> str:
    """Return the type to serve it under: nothing that a browser would interpret."""
    return mime if mime in _ENDINGS else UNKNOWN


def file_name(name: str, kind: str, mime: str) -> str:
    """Return a name for the disk of whoever downloads it."""
    if name:
        return name
    ending = _ENDINGS.get(mime, "bin")
    return f"{kind or 'file'}.{ending}"
