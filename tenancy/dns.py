"""Asking the DNS for texts, behind a protocol so that tests run a name server of their own."""

from typing import Protocol

import dns.exception
import dns.resolver
from django.conf import settings

SECONDS = 4.0


class DnsAwayError(Exception):
    """No name server answered: nothing is known, neither yes nor no."""


class TextResolver(Protocol):
    """Whoever can read TXT records."""

    def texts(self, name: str) -> list[str]:
        """Return the texts of a name, none when there are none; raise DnsAwayError."""


class NameServers:
    """Asks name servers by UDP (and TCP for long answers)."""

    def __init__(self, servers: list[str]) -> None:
        self._resolver = dns.resolver.Resolver(configure=not servers)
        self._resolver.lifetime = SECONDS
        if servers:
            pairs = [_pair(server) for server in servers]
            self._resolver.nameservers = [host for host, _port in pairs]
            self._resolver.nameserver_ports = dict(pairs)

    def texts(self, name: str) -> list[str]:
        try:
            answer = self._resolver.resolve(f"{name}.", "TXT", search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise DnsAwayError(str(error)) from error
        return [b"".join(record.strings).decode("ascii", "replace") for record in answer]


def resolver() -> TextResolver:
    """Return the installation's resolver. Servers are written `192.0.2.1` or `192.0.2.1@5353`."""
    try:
        return NameServers(settings.DNS_SERVERS)
    except dns.resolver.NoResolverConfiguration as error:
        raise DnsAwayError(str(error)) from error


def _pair(server: str) -> tuple[str, int]:
    host, _at, port = server.partition("@")
    return host, int(port or 53)
