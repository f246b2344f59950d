"""Media references: what is known about bytes that another step fetches."""

import re
import uuid
from typing import Any

from messaging.ingest.envelope.facts import Media
from messaging.ingest.envelope.scalars import as_map, clean_name, text_of, to_bytes, to_int

_KINDS = {
    "imageMessage": "image",
    "videoMessage": "video",
    "ptvMessage": "video",
    "audioMessage": "audio",
    "documentMessage": "document",
    "stickerMessage": "sticker",
}
_MIME = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}", re.ASCII)
_UNSAFE = re.compile(r'[<>:"|?*\x00-\x1f]')
_MAX_SIZE = 2**40


def media_of(key: str, value: object, message: dict[str, Any]) -> Media | None:
    """Describe the media of a content key, or None when it has none."""
    kind = _KINDS.get(key)
    if kind is None or not isinstance(value, dict):
        return None
    blob = as_map(message.get("base64"))
    digest = to_bytes(value.get("fileSha256") or value.get("sha256"))
    return Media(
        kind=kind,
        mime=mime_of(value.get("mimetype") or value.get("mime_type")),
        size=_small(value.get("fileLength"), _MAX_SIZE) or _small(blob.get("size"), _MAX_SIZE),
        name=safe_name(value.get("fileName") or value.get("filename") or value.get("title")),
        sha256=digest.hex() if digest and len(digest) == 32 else "",
        width=_small(value.get("width")),
        height=_small(value.get("height")),
        seconds=_small(value.get("seconds")),
        blob_id=_uuid(blob.get("$blob")),
        url=_https(message.get("mediaUrl")),
        provider_media_id=text_of(value.get("id"))[:128],
        is_voice=value.get("ptt") is True,
        is_gif=value.get("gifPlayback") is True,
        transcript=text_of(message.get("speechToText")),
    )


def mime_of(value: object) -> str:
    """Return a plain lower-case MIME type without parameters, or ''."""
    found = _MIME.match(text_of(value)[:200].strip().lower())
    return found[0] if found else ""


def safe_name(value: object) -> str:
    """Return the last part of a file name, for display only; never a path."""
    name = clean_name(value).replace("\\", "/").rpartition("/")[2]
    return _UNSAFE.sub("_", name).strip(". ")[:160]


def _small(value: object, limit: int = 2**31 - 1) -> int | None:
    number = to_int(value)
    return number if number is not None and 0 < number <= limit else None


def _uuid(value: object) -> str:
    try:
        return str(uuid.UUID(text_of(value)))
    except ValueError:
        return ""


def _https(value: object) -> str:
    url = text_of(value).strip()
    return url if url.startswith(("https://", "http://")) and len(url) <= 4000 else ""
