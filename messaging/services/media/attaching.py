"""Give a message the file that somebody uploaded, or that another message has (forwarding)."""

from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import NotFound
from messaging.models import Message, MessageMedia, Upload


def attach(source: Upload | MessageMedia, message: Message, *, name: str = "") -> MessageMedia:
    """Return the message's media (stored), with the upload marked as used.

    `name` is what the recipient sees, where that is not the upload's own.

    Runs in the caller's transaction. The file itself is shared, not copied. Raises NotFound when
    the upload was swept meanwhile.
    """
    if isinstance(source, Upload):
        use_upload(source)
    is_document = message.type == Message.Type.DOCUMENT
    return MessageMedia.objects.create(
        message=message,
        status=MessageMedia.Status.STORED,
        kind="document" if is_document else source.kind,
        mime=source.mime,
        size=source.size,
        name=name or source.name,
        seconds=source.seconds,
        width=source.width,
        height=source.height,
        sha256=source.sha256,
        storage_key=source.storage_key,
        thumb_key=source.thumb_key,
        stored_at=timezone.now(),
    )


def use_upload(upload: Upload) -> None:
    """Mark an upload as used; raises NotFound when it was swept.

    The sweep deletes unused rows only, so whoever comes first keeps or removes the file.
    """
    used = Upload.objects.filter(pk=upload.pk).update(used_at=Coalesce(F("used_at"), Now()))
    if not used:
        raise NotFound("upload_not_found", _("This file is no longer here. Add it again."))
