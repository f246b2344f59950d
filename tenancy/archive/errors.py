"""The refusals of archives: one line each, with a stable code."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid


def foreign() -> Invalid:
    return Invalid("archive_foreign", _("This is not an EvoSense archive."), field="file")


def altered() -> Invalid:
    message = _("The archive was altered, damaged or cut off.")
    return Invalid("archive_altered", message, field="file")


def truncated() -> Invalid:
    message = _("The archive is cut off: its end is missing.")
    return Invalid("archive_truncated", message, field="file")


def unreadable(reason: object) -> Invalid:
    message = _("The file cannot be used: %(reason)s.") % {"reason": reason}
    return Invalid("archive_file", message, field="file")


def wrong_passphrase() -> Invalid:
    message = _("The passphrase is not the one of this archive.")
    return Invalid("archive_passphrase_wrong", message, field="passphrase")


def newer(version: object) -> Invalid:
    message = _("The archive has format %(version)s; this EvoSense reads up to %(known)s.") % {
        "version": version,
        "known": 1,
    }
    return Invalid("archive_newer", message, field="file")


def unexpected(what: Any) -> Invalid:
    message = _("The archive holds something that does not belong there: %(what)s.") % {
        "what": str(what)[:80]
    }
    return Invalid("archive_content", message, field="file")
