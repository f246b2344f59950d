"""Files of messages: fetched, checked, kept, shown. Callers need only what is named here.

Keys (`storage_key`, `thumb_key`) are relative to the folder of the active tenant, so none of them
can name another company's file.
"""

from messaging.services.media.attaching import attach, use_upload
from messaging.services.media.fetching import retry_fetch
from messaging.services.media.links import media_link
from messaging.services.media.store import open_stored, read_bytes
from messaging.services.media.transcripts import note_transcript
from messaging.services.media.uploads import new_name, store_upload

__all__ = [
    "attach",
    "media_link",
    "new_name",
    "note_transcript",
    "open_stored",
    "read_bytes",
    "retry_fetch",
    "store_upload",
    "use_upload",
]
