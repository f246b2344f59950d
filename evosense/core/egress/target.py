"""From a tenant's text to the addresses that may be connected to."""

import ipaddress
import re
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import httpx2

from evosense.core.egress.addresses import Address
from evosense.core.egress.errors import EgressBlocked, EgressFailed
from evosense.core.egress.policy import Policy

LONGEST_URL = 2_000
LOOKUP_SECONDS = 3.0
_PORTS = {"https": 443, "http": 80}
# Parsers disagree about these, and none belongs into an address.
_ODD = re.compile(r"[\x00-\x20\x7f\\]")

# Asked for (name, port); returns every address of the name, spelled in any way.
Resolver = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that our rules permit as far as can be told without looking its name up."""

    scheme: str
    host: str
    port: int
    path: bytes
    # As in the Host header: with the port where it is not the scheme's own.
    authority: str


def read_url(url: str, policy: Policy) -> Target:
    """Split `url` with the parser that the client uses; raises EgressBlocked."""
    if len(url) > LONGEST_URL or _ODD.search(url):
        raise EgressBlocked("url_invalid")
    try:
        parsed = httpx2.URL(url)
        host = parsed.raw_host.decode("ascii").rstrip(".").lower()
    except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
        raise EgressBlocked("url_invalid") from error
    if not host or not parsed.scheme or (parsed.port or 0) > 65535:
        raise EgressBlocked("url_invalid")
    if parsed.userinfo:
        raise EgressBlocked("userinfo_refused")
    port = parsed.port or _PORTS.get(parsed.scheme, 0)
    if not policy.permits_scheme(parsed.scheme, host, port):
        raise EgressBlocked("scheme_refused")
    if not policy.permits_port(host, port):
        raise EgressBlocked("port_refused")
    return Target(parsed.scheme, host, port, parsed.raw_path, _authority(parsed.scheme, host, port))


def find_addresses(
    host: str, port: int, policy: Policy, resolver: Resolver | None = None
) -> list[str]:
    """Look `host` up once and return its addresses; one that is refused spoils all of them."""
    literal = _literal(host)
    found = [literal] if literal else _look_up(host, port, policy, resolver or resolve)
    if not all(policy.permits_address(address, host, port) for address in found):
        raise EgressBlocked("address_refused")
    return [str(address) for address in found]


def resolve(name: str, port: int) -> list[str]:
    """Ask the system's resolver, which alone knows how long it will take: bounded here."""
    asked = _resolvers().submit(socket.getaddrinfo, name, port, type=socket.SOCK_STREAM)
    try:
        return [str(info[4][0]) for info in asked.result(LOOKUP_SECONDS)]
    except TimeoutError as error:
        raise EgressFailed("timed_out") from error
    except (OSError, UnicodeError) as error:
        raise EgressFailed("name_unknown") from error


def _look_up(host: str, port: int, policy: Policy, resolver: Resolver) -> list[Address]:
    # The dot keeps search domains out: `vault` must not become vault.our-own-network.
    name = host if policy.vouches_for(host, port) or host == "localhost" else f"{host}."
    spellings = dict.fromkeys(resolver(name, port))
    if not spellings:
        raise EgressFailed("name_unknown")
    try:
        return [ipaddress.ip_address(one.partition("%")[0]) for one in spellings]
    except ValueError as error:
        raise EgressBlocked("address_refused") from error


def _literal(host: str) -> Address | None:
    """Return the address that `host` spells, also as `127.1`, `2130706433` or `0x7f000001`."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _authority(scheme: str, host: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port == _PORTS[scheme] else f"{name}:{port}"


@lru_cache(maxsize=1)
def _resolvers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(8, thread_name_prefix="egress-names")
