"""Letters of a local installation become files in EVOSENSE_HOME/mail, for /dev/mailbox."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from evosense.core.ids import random_base62

KEEP = 500


class FolderBackend(BaseEmailBackend):
    """Writes each letter to a file whose name sorts by time."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        # By name, because type checkers read this module before the settings.
        folder = Path(getattr(settings, "MAILBOX_DIR"))  # noqa: B009
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            _write(folder, message.message().as_bytes())
        _forget_oldest(folder)
        return len(email_messages)


def _write(folder: Path, content: bytes) -> None:
    name = f"{time.time_ns() // 1_000_000:014d}-{random_base62(6)}"
    draft = folder / f"{name}.new"
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    # Readers see whole letters only.
    os.replace(draft, folder / f"{name}.eml")


def _forget_oldest(folder: Path) -> None:
    for path in sorted(folder.glob("*.eml"))[:-KEEP]:
        path.unlink(missing_ok=True)
