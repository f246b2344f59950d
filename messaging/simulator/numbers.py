"""Evolution's `createJid`, traps included."""

from __future__ import annotations

import re

NOISE = re.compile(r"[\s+()\-]")
OLD_AREAS_FROM = 31


def to_jid(number: str) -> str:
    """A full JID stays; digits become a phone, or a group when there are too many."""
    if number.endswith(("@g.us", "@s.whatsapp.net", "@lid", "@broadcast", "@newsletter")):
        return number
    digits = NOISE.sub("", number).partition(":")[0].partition("@")[0]
    if len(digits) >= 18:
        return f"{digits}@g.us"
    return f"{_brazilian(digits)}@s.whatsapp.net"


def _brazilian(digits: str) -> str:
    """Thirteen digits with an old area code lose the ninth digit when the rest starts 7-9."""
    if len(digits) != 13 or not digits.startswith("55"):
        return digits
    area, local = digits[2:4], digits[5:]
    if int(area) >= OLD_AREAS_FROM and local[0] in "789":
        return f"55{area}{local}"
    return digits
