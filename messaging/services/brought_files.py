"""Files that a program names in a message: uploaded before, at an address, or in the text itself.

Network and disk: call it before the transaction of the message.
"""

import base64
import binascii
import io
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid
from evosense.core.http import EgressBlocked, EgressFailed, send
from messaging.models import Upload
from messaging.services.media import new_name, store_upload

FETCH_SECONDS = 60.0
_WAYS = ("upload", "url", "base64")


def bring_file(media: dict[str, Any]) -> dict[str, Any]:
    """Return what a payload holds of a file: {"key", "name", "mime", "size"}.

    `media` names it by exactly one of `upload` (its id), `url` (fetched now) or `base64`; `name` is
    what people see. Raises Invalid with a field below `media`, or Conflict.
    """
    ways = [way for way in _WAYS if media.get(way)]
    if len(ways) != 1:
        message = _("Give one of upload, url or base64.")
        raise Invalid("required", message, field="media")
    upload = _FINDERS[ways[0]](media)
    return {
        "key": upload.storage_key,
        "name": _name_for(media, upload),
        "mime": upload.mime,
        "size": upload.size,
    }


def _name_for(media: dict[str, Any], upload: Upload) -> str:
    """Return what people see; whatever was stored just now has its given name already."""
    if not media.get("upload") or not media.get("name"):
        return upload.name
    try:
        return new_name(media["name"]) or upload.name
    except Invalid as refusal:
        raise Invalid(refusal.code, refusal.message, field="media.name") from refusal


def _uploaded(media: dict[str, Any]) -> Upload:
    found = Upload.objects.filter(public_id=UUID(str(media["upload"]))).first()
    if found is None:
        raise Invalid("file_not_found", _("There is no such upload."), field="media.upload")
    return found


def _fetched(media: dict[str, Any]) -> Upload:
    url = media["url"]
    try:
        answer = send(
            "GET",
            url,
            total_seconds=FETCH_SECONDS,
            longest=settings.MEDIA.largest,
            purpose="media_url",
        )
    except (EgressBlocked, EgressFailed) as error:
        if error.code == "egress_busy":
            raise Conflict(error.code, error.reason, field="media.url") from error
        # Some of these codes are about the address already.
        code = error.code if error.code.startswith("url_") else f"url_{error.code}"
        raise Invalid(code, error.reason, field="media.url") from error
    if answer.status != 200:
        message = _("The server of this address answered %(status)s.") % {"status": answer.status}
        raise Invalid("url_refused", message, field="media.url")
    last = unquote(urlsplit(url).path.rpartition("/")[2])
    return _stored(answer.body, media.get("name") or last, "media.url")


def _inline(media: dict[str, Any]) -> Upload:
    text = media["base64"]
    # Browsers make data URIs; what they say of the type is not believed anyway.
    text = text.partition(",")[2] if text.startswith("data:") else text
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("invalid", _("This is not base64."), field="media.base64") from error
    return _stored(content, media.get("name") or "", "media.base64")


def _stored(content: bytes, name: str, field: str) -> Upload:
    try:
        return store_upload(File(io.BytesIO(content), name=name or "file"), name)
    except Invalid as refusal:
        raise Invalid(refusal.code, refusal.message, field=field) from refusal


_FINDERS = {"upload": _uploaded, "url": _fetched, "base64": _inline}
