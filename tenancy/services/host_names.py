"""Which host names a company may bring along."""

import ipaddress

import idna
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid
from evosense.core.schema import public_scope
from tenancy.models import RetiredName

LONGEST = 253
# Names that nobody can own in the public DNS.
_NO_REGISTRY = frozenset(
    {"localhost", "local", "internal", "lan", "home", "corp", "onion", "invalid", "arpa", "test"}
)


def checked_host(text: str) -> str:
    """Return the host in its ASCII form; raise Invalid or Conflict when it may not be used."""
    host = _ascii(text.strip().rstrip(".").lower())
    labels = host.split(".")
    if len(labels) < 2 or len(host) > LONGEST or _is_address(host):
        raise _wrong()
    if labels[-1] in _NO_REGISTRY or labels[-1].isdigit():
        raise _wrong()
    own = settings.PUBLIC_HOST
    if host in {own, settings.MEDIA_HOST} or host.endswith(f".{own}") or own.endswith(f".{host}"):
        message = _("This is an address of EvoSense itself. Use one of your own.")
        raise Conflict("host_ours", message, field="host")
    with public_scope():
        if RetiredName.objects.filter(name=host).exists():
            message = _("This address belonged to another company and is not given out again.")
            raise Conflict("host_retired", message, field="host")
    return host


def _ascii(text: str) -> str:
    try:
        return idna.encode(text, uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise _wrong() from error


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _wrong() -> Invalid:
    message = _("Type a host name such as chat.your-company.com, without https:// and path.")
    return Invalid("host_invalid", message, field="host")
