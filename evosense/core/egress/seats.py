"""Seats at the egress door: how many requests one server, and one company, have under way.

A server that takes its time, or a company that names many of them, must not hold all threads and
connections of a process. Seats are counted per door; who waits too long for one is told so.
"""

import threading
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager

from evosense.core.egress.errors import EgressFailed
from evosense.core.schema import active_tenant

# Pages have eight threads a process; neither one server nor one company may have them all.
OF_HOST, OF_TENANT = 5, 6
WAIT_SECONDS = 2.0


class Seats:
    """Safe to share by threads; a child process begins with `clear`."""

    def __init__(
        self,
        *,
        of_host: int = OF_HOST,
        of_tenant: int = OF_TENANT,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._of_host = of_host
        self._of_tenant = of_tenant
        self._wait_seconds = wait_seconds
        self.clear()

    def clear(self) -> None:
        """Forget who sits, also whoever held the lock: threads of a parent are not in its child."""
        self._changed = threading.Condition()
        self._taken: Counter[Hashable] = Counter()

    @contextmanager
    def taken(self, host: str, port: int, *, seconds: float) -> Iterator[None]:
        """Sit during the block, after at most `seconds`; raises EgressFailed `egress_busy`."""
        wanted = self._wanted(host, port)
        self._sit(wanted, min(self._wait_seconds, seconds))
        try:
            yield
        finally:
            self._rise(wanted)

    def _wanted(self, host: str, port: int) -> dict[Hashable, int]:
        """Return each count that this request adds to, with its limit."""
        tenant = active_tenant()
        wanted: dict[Hashable, int] = {(host, port): self._of_host}
        return wanted if tenant is None else wanted | {tenant.id: self._of_tenant}

    def _sit(self, wanted: Mapping[Hashable, int], seconds: float) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room(wanted), seconds):
                raise EgressFailed("egress_busy")
            self._taken.update(wanted.keys())

    def _has_room(self, wanted: Mapping[Hashable, int]) -> bool:
        return all(self._taken[key] < limit for key, limit in wanted.items())

    def _rise(self, wanted: Mapping[Hashable, int]) -> None:
        with self._changed:
            for key in wanted:
                self._taken[key] -= 1
                if not self._taken[key]:
                    del self._taken[key]
            self._changed.notify_all()
