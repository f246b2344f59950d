"""Signed links to the media host."""

from typing import Literal

from messaging.models import MessageMedia, Upload


def media_link(
    media: MessageMedia | Upload,
    variant: Literal["file", "thumb"] = "file",
    *,
    download: bool = False,
) -> str:
    """Return an absolute URL on the media host that works for five to ten minutes.

    Whoever makes a link has checked the permission; "" when the bytes are not there.
    """
    raise NotImplementedError
