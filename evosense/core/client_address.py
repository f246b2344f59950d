"""The address a request came from, told by a fixed number of our own proxies.

Whoever sends a request may write any `X-Forwarded-For`; each proxy of ours appends the address
that it saw. So with n proxies the n-th entry from the right is the newest one that a stranger
cannot write. `Forwarded` and `X-Real-IP` are never read. Importable without Django settings.
"""

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from django.http import HttpRequest

# A connection has 2^64 addresses of its own there, so limits count the network.
_V6_PREFIX = 64


def client_address(request: "HttpRequest") -> str:
    """Return the client's address in its shortest form; "" when it is not known."""
    header = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return pick_address(
        request.META.get("REMOTE_ADDR") or "", header.split(","), proxies=settings.TRUSTED_PROXIES
    )


def limit_address(address: str) -> str:
    """Return what limits count for `address`: itself, or its network where one has many."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address}/{_V6_PREFIX}", strict=False))


def pick_address(peer: str, forwarded: Iterable[str], *, proxies: int) -> str:
    """Choose between the peer of the connection and what `proxies` proxies said about it.

    An entry that is not an address is a proxy's misconfiguration: the peer is the truth then.
    """
    entries = [entry.strip() for entry in forwarded if entry.strip()]
    if proxies > 0 and entries:
        named = _normal(entries[-min(proxies, len(entries))])
        if named:
            return named
    return _normal(peer)


def _normal(text: str) -> str:
    try:
        address = ipaddress.ip_address(_without_port(text))
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if address.version == 6 else None
    return str(mapped or address)


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host, separator, _port = text.partition(":")
    return host if separator and "." in host and text.count(":") == 1 else text
