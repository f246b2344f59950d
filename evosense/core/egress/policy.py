"""What the operator opened besides the public internet. Read by settings, so without Django."""

import ipaddress
from dataclasses import dataclass

from evosense.core.egress.addresses import Address, Network, is_allowed, is_forbidden
from evosense.env import Environment

ANY_PORT: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Policy:
    """`places` are host and port of servers that the operator vouches for, with or without TLS."""

    networks: tuple[Network, ...] = ()
    places: frozenset[tuple[str, int]] = frozenset()
    ports: frozenset[int] = frozenset({443})
    plain_http: bool = False

    def vouches_for(self, host: str, port: int) -> bool:
        return (host, port) in self.places

    def permits_port(self, host: str, port: int) -> bool:
        return self.ports == ANY_PORT or port in self.ports or self.vouches_for(host, port)

    def permits_scheme(self, scheme: str, host: str, port: int) -> bool:
        if scheme == "https":
            return True
        return scheme == "http" and (self.plain_http or self.vouches_for(host, port))

    def permits_address(self, address: Address, host: str, port: int) -> bool:
        if self.vouches_for(host, port):
            return not is_forbidden(address)
        return is_allowed(address, self.networks)

    @property
    def opened(self) -> str:
        """What is open besides the public internet, for the log of a start; "" when nothing is."""
        places = [f"{host}:{port}" for host, port in sorted(self.places)]
        return ", ".join([*map(str, self.networks), *places])


def read_policy(env: Environment, *, is_saas: bool) -> Policy:
    """Read EVOSENSE_EGRESS_*; what cannot be meant is remembered as a problem of the settings."""
    networks: list[Network] = []
    places: set[tuple[str, int]] = set()
    for item in env.items("EVOSENSE_EGRESS_ALLOW"):
        found = _network(item) or _place(item)
        if found is None:
            env.problem(f"EVOSENSE_EGRESS_ALLOW: {item!r} is neither a network nor host:port")
        elif isinstance(found, tuple):
            places.add(found)
        else:
            networks.append(found)
    if is_saas and (networks or places):
        env.problem("EVOSENSE_EGRESS_ALLOW: must be empty when SAAS_MODE=1")
    return Policy(
        networks=tuple(networks),
        places=frozenset(places),
        ports=_ports(env),
        plain_http=env.flag("EVOSENSE_EGRESS_HTTP", default=False),
    )


def _ports(env: Environment) -> frozenset[int]:
    items = env.items("EVOSENSE_EGRESS_PORTS", "443")
    if items == ["any"]:
        return ANY_PORT
    ports = {int(item) for item in items if item.isascii() and item.isdigit()}
    if len(ports) != len(items) or not all(0 < port < 65536 for port in ports):
        env.problem("EVOSENSE_EGRESS_PORTS: expected ports such as 443,8443, or any")
    return frozenset(ports) or frozenset({443})


def _network(item: str) -> Network | None:
    try:
        return ipaddress.ip_network(item)
    except ValueError:
        return None


def _place(item: str) -> tuple[str, int] | None:
    host, separator, port = item.rpartition(":")
    if not (separator and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        return None
    return host.lower().strip("[]"), int(port)
