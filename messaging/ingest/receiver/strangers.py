"""A ceiling for each address that knocks with tokens nobody has.

A good token is never counted nor refused: one Evolution server may serve many connections, and one
of them being deleted must not cost the others a message. Kept in the process, so that it holds
without Redis; several receivers multiply it.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from evosense.core.client_address import limit_address, pick_address
from messaging.ingest.receiver.answers import Scope

MINUTE = 60.0
# Addresses remembered; the one not heard of for longest goes first.
MEMORY = 20_000


class Strangers:
    """Token buckets of `rate` a minute, by address."""

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = float(rate)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Count one refused request of `address`; False when it has made too many."""
        now = self._clock()
        left, at = self._left.pop(address, (self._rate, now))
        left = min(self._rate, left + (now - at) * self._rate / MINUTE)
        allowed = left >= 1
        self._left[address] = (left - 1 if allowed else left, now)
        if len(self._left) > MEMORY:
            self._left.popitem(last=False)
        return allowed


def address_of(scope: Scope, proxies: int) -> str:
    """Return what a limit counts for the client of an ASGI request."""
    peer = (scope.get("client") or ("", 0))[0]
    forwarded = [
        entry
        for name, value in scope["headers"]
        if name == b"x-forwarded-for"
        for entry in value.decode("latin-1").split(",")
    ]
    return limit_address(pick_address(peer, forwarded, proxies=proxies))


def came_readable(scope: Scope) -> bool:
    """Tell whether a proxy says that the client used plain HTTP.

    Without a word of a proxy it is a neighbour in the operator's own network, such as Evolution in
    the next container.
    """
    said = dict(scope["headers"]).get(b"x-forwarded-proto", b"")
    return bool(said) and said.strip().lower() != b"https"
