"""Files that people and clients bring, until a message carries them."""

import io
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.utils.translation import gettext_lazy as _

from evosense.core.actor import current_actor
from evosense.core.errors import Invalid
from evosense.core.templatetags.ui import filesize_short
from messaging.ingest.envelope.media import safe_name
from messaging.models import Upload
from messaging.services.media import store
from messaging.services.media.examining import examine
from messaging.services.media.refusals import Refused, ScannerAway
from messaging.services.media.sniffing import is_program


def store_upload(file: "File[Any]", name: str = "") -> Upload:
    """Check and keep an uploaded file; the actor of the request is remembered.

    The bytes decide what it is (`upload.kind`, `upload.mime`); `name` is for display only. Raises
    Invalid with field "file": file_empty, file_too_large, file_wrong_type, file_damaged,
    file_infected, file_unscanned, scanner_away, storage_away. Reads in pieces; call it outside
    transactions.
    """
    shown = safe_name(name or getattr(file, "name", "") or "")
    declared = str(getattr(file, "content_type", "") or "")
    try:
        kept = examine(file, name=shown, declared=declared)
    except Refused as refusal:
        raise Invalid(f"file_{refusal.code}", _refusal(refusal.code), field="file") from refusal
    except ScannerAway as error:
        message = _("The virus scanner does not answer, so no file is taken. Try again soon.")
        raise Invalid("scanner_away", message, field="file") from error
    upload = Upload.objects.create(
        storage_key=store.new_key(),
        kind=kept.kind,
        mime=kept.mime,
        size=kept.size,
        name=shown,
        sha256=kept.sha256,
        seconds=kept.seconds,
        width=kept.width,
        height=kept.height,
        **_actor(),
    )
    # The row comes first: a file without one would never be swept.
    try:
        store.save(upload.storage_key, kept.content)
        if kept.thumb:
            upload.thumb_key = store.thumb_of(upload.storage_key)
            store.save(upload.thumb_key, io.BytesIO(kept.thumb))
            upload.save(update_fields=["thumb_key"])
    except store.StoreAway as error:
        message = _("The file could not be stored. Try again soon.")
        raise Invalid("storage_away", message, field="file") from error
    return upload


def new_name(name: str) -> str:
    """Return another name for an upload as people will see it; raises Invalid with field "name"."""
    shown = safe_name(name)
    if is_program(shown):
        raise Invalid("file_wrong_type", _refusal("wrong_type"), field="name")
    return shown


def _actor() -> dict[str, int]:
    actor = current_actor()
    column = {"user": "actor_user_id", "key": "api_key_id"}.get(actor.kind)
    return {column: int(actor.id)} if column and actor.id.isdecimal() else {}


def _refusal(code: str) -> Any:
    return {
        "empty": _("The file is empty."),
        "too_large": _("Use a file of at most %(size)s.")
        % {"size": filesize_short(settings.MEDIA.largest)},
        "wrong_type": _("Files of this kind are not taken."),
        "damaged": _("This picture cannot be read. Save it anew and try again."),
        "infected": _("The virus scanner found something in this file."),
        "unscanned": _("The virus scanner does not read files this large. Send a smaller one."),
    }[code]
