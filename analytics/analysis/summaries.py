"""Making a model's own words safe to show: nothing to click that the customer did not write."""

import re

from analytics.analysis.items import cut

_TAG = re.compile(r"<[^<>]{0,300}>")
# What is only ever put there to be followed: addresses with a scheme, hosts, e-mail, long numbers.
_REACHABLE = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]{1,20}:/{0,2}\S+)"
    r"|(?:\bwww\.\S+)"
    r"|(?:\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?:\b(?:[a-z0-9-]+\.)+(?:com|net|org|br|io|me|ly|app|link|info|xyz|co|gl|site|shop)\b(?:/\S*)?)"
    r"|(?:\+?\d[\d\s().-]{7,}\d)",
    re.IGNORECASE,
)
_MARKS = re.compile(r"!?\[([^\]]{0,200})\]\([^)]{0,300}\)|[`#>*_~]{1,3}(?=\S)|(?<=\S)[`*_~]{1,3}")


def safe_summary(summary: str, source: str, *, length: int) -> str:
    """Return a summary of at most `length` characters, without mark-up and foreign addresses.

    What the source holds literally may stay. An empty summary is filled with the source.
    """
    if not summary.strip():
        return cut(source, length)
    plain = _MARKS.sub(lambda found: found.group(1) or "", _TAG.sub(" ", summary))
    plain = _REACHABLE.sub(lambda found: found.group(0) if found.group(0) in source else " ", plain)
    return cut(plain, length)
