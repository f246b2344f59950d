"""Keys under which the addresses of contacts are looked up, and the addresses in their wire form.

`Identity.address` holds the part before the @ (digits, LID or group id) unless its domain is not
the one of its kind; then it holds the whole JID.
"""

import unicodedata

from evosense.core.crypto import tenant_hmac
from evosense.core.phones import br_key

_DOMAINS = {"pn": "s.whatsapp.net", "lid": "lid", "group": "g.us"}
_KINDS = {domain: kind for kind, domain in _DOMAINS.items()}
TAIL = 4


def split_jid(jid: str) -> tuple[str, str]:
    """Return (kind, address as an identity stores it) of a normalised JID or of bare digits."""
    user, _, domain = jid.partition("@")
    if not domain:
        return "pn", user
    kind = _KINDS.get(domain)
    return (kind, user) if kind else ("group", jid)


def join_jid(kind: str, address: str) -> str:
    """Return the JID that `split_jid` took apart."""
    return address if "@" in address else f"{address}@{_DOMAINS[kind]}"


def identity_hmac(kind: str, address: str) -> bytes:
    """Return the unique look-up key of an address (`Identity.hmac`, `Message.sender`)."""
    return tenant_hmac(f"{kind}|{address}")


def number_hmac(digits: str) -> bytes:
    """Return the look-up key that both forms of a Brazilian mobile number share."""
    return tenant_hmac(f"br|{br_key(digits)}")


def tail_hmac(digits: str) -> bytes:
    """Return the look-up key of the last four digits of a number."""
    return tenant_hmac(f"tail|{digits[-TAIL:]}")


def search_form(name: str) -> str:
    """Return a name as `Contact.search_name` holds it: lower case, without accents."""
    plain = unicodedata.normalize("NFKD", name)
    return "".join(char for char in plain if not unicodedata.combining(char)).casefold()
