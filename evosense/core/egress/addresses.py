"""Which addresses are the public internet. Decided on the address, never on its spelling.

`ipaddress.is_global` is no safe test: it says yes to multicast, to loopback through NAT64 and
6to4 and to other ranges that lead inside. So the lists are our own.
"""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(listing: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(one) for one in listing.split())


_DENIED_4 = _networks(
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24"
    " 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24"
    " 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
)
_PUBLIC_6 = ipaddress.ip_network("2000::/3")
_DENIED_6 = _networks("2001::/23 2001:db8::/32 2002::/16 3fff::/20")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Credentials of the machine lie behind these; no operator's setting opens them.
_NEVER = _networks(
    "0.0.0.0/8 169.254.0.0/16 100.100.100.200/32 168.63.129.16/32 224.0.0.0/4 255.255.255.255/32"
    " ::/128 fe80::/10 fd00:ec2::/32 ff00::/8"
)


def is_allowed(address: Address, extra: Iterable[Network] = ()) -> bool:
    """Tell whether `address` is public, or is in a network that the operator has opened."""
    inner = _unwrap(address)
    if is_forbidden(address):
        return False
    if _is_in(inner, extra) or _is_in(address, extra):
        return True
    # 6to4 is retired: what it wraps may be public, the way there is not.
    if address.version == 6 and address.sixtofour is not None:
        return False
    if inner.version == 4:
        return not _is_in(inner, _DENIED_4)
    return inner in _PUBLIC_6 and not _is_in(inner, _DENIED_6)


def is_forbidden(address: Address) -> bool:
    """Tell whether `address` stays closed even if the operator opened its network."""
    return _is_in(address, _NEVER) or _is_in(_unwrap(address), _NEVER)


def _unwrap(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address leads to, else the address itself."""
    if address.version == 4:
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == one.version and address in one for one in networks)
