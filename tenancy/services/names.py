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
    if any(unicodedata.category(one) in _HIDDEN and one not in _JOINERS for one in name):
        raise Invalid("name_hidden", _("The name has invisible characters in it."), field=field)
    if _ADDRESS.search(name):
        raise Invalid("name_address", _("Use a name here, not an address."), field=field)
    return name
