"""Names that strangers type and others read in pages and letters."""

import re
import unicodedata

from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid

# Mail programs make links of them, and a letter of ours must not carry a stranger's link.
_ADDRESS = re.compile(r"://|\bwww\.", re.IGNORECASE)
# Controls, line breaks and what changes the direction of the text around it; joiners of emoji and
# of Persian or Indian writing stay.
_HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Co", "Cs"}
_JOINERS = {"\u200c", "\u200d"}


def clean_name(text: str, *, field: str, length: int) -> str:
    """Return `text` with single spaces; raise Invalid for nothing, too much, or what misleads."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not 1 <= len(name) <= length:
        message = _("Use 1 to %(length)d characters.") % {"length": length}
        raise Invalid("name_invalid", message, field=field)
    if _is_hiding(name):
        raise Invalid("name_hidden", _("The name has invisible characters in it."), field=field)
    if _ADDRESS.search(name):
        raise Invalid("name_address", _("Use a name here, not an address."), field=field)
    return name


def clean_note(text: str, *, field: str, length: int) -> str:
    """Return lines without blanks at their ends, "" for blanks alone; raise Invalid as names do."""
    lines = unicodedata.normalize("NFC", text).replace("\t", " ").splitlines()
    note = "\n".join(line.rstrip() for line in lines).strip()
    if len(note) > length:
        message = _("Use at most %(length)d characters.") % {"length": length}
        raise Invalid("too_long", message, field=field)
    for number, line in enumerate(note.split("\n"), start=1):
        if _is_hiding(line):
            message = _("Line %(line)d has invisible characters in it.") % {"line": number}
            raise Invalid("text_hidden", message, field=field)
    return note


def _is_hiding(text: str) -> bool:
    return any(unicodedata.category(one) in _HIDDEN and one not in _JOINERS for one in text)
