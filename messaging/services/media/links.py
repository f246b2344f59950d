"""Signed links to the media host.

A link says which file of which company, how it is shown, and until when; it carries no more, and
nobody but us can write one. The permission was checked when it was made.
"""

import time
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.core import signing

from evosense.core.schema import current_tenant
from messaging.models import MessageMedia, Upload

Variant = Literal["file", "thumb"]
# A link ends at the second boundary after now, so that it is the same text for some minutes and
# browsers need not fetch a picture again when its bubble is drawn again.
STEP_SECONDS = 300
_SIGNER = signing.Signer(salt="messaging.media")
_MODELS: dict[str, type[MessageMedia | Upload]] = {"m": MessageMedia, "u": Upload}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a valid link allows."""

    tenant_id: UUID
    model: type[MessageMedia | Upload]
    pk: int
    variant: Variant
    is_download: bool
    expires: int

    @property
    def is_over(self) -> bool:
        return self.expires <= time.time()


def media_link(
    media: MessageMedia | Upload, variant: Variant = "file", *, download: bool = False
) -> str:
    """Return an absolute URL on the media host that works for five to ten minutes.

    Whoever makes a link has checked the permission; "" when the bytes are not there.
    """
    if not _is_there(media, variant):
        return ""
    letter = "u" if isinstance(media, Upload) else "m"
    expires = (int(time.time()) // STEP_SECONDS + 2) * STEP_SECONDS
    flags = ("t" if variant == "thumb" else "f") + ("d" if download else "")
    told = [current_tenant().id.hex, letter, media.pk, flags, expires]
    return f"{settings.MEDIA_ORIGIN}/{_SIGNER.sign_object(told)}"


def read_link(token: str) -> Grant | None:
    """Return what the last part of a link says; None when it is not ours. It may be over."""
    try:
        tenant, letter, pk, flags, expires = _SIGNER.unsign_object(token)
    except (signing.BadSignature, ValueError):
        return None
    return Grant(
        tenant_id=UUID(tenant),
        model=_MODELS[letter],
        pk=pk,
        variant="thumb" if flags.startswith("t") else "file",
        is_download=flags.endswith("d"),
        expires=expires,
    )


def _is_there(media: MessageMedia | Upload, variant: Variant) -> bool:
    if isinstance(media, MessageMedia) and media.status != MessageMedia.Status.STORED:
        return False
    return bool(media.thumb_key if variant == "thumb" else media.storage_key)
