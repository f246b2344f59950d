"""Files that people and clients bring, until a message carries them."""

from django.core.files.base import File

from messaging.models import Upload


def store_upload(file: "File[bytes]", name: str = "") -> Upload:
    """Check and keep an uploaded file; the actor of the request is remembered.

    The bytes decide what it is (`upload.kind`, `upload.mime`); `name` is for display only. Raises
    Invalid with field "file": file_empty, file_too_large, file_type_refused, file_damaged,
    file_infected, scanner_unavailable. Reads in pieces; call it outside transactions.
    """
    raise NotImplementedError
