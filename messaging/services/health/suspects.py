"""Telling a server that hangs from one of its instances that does.

A probe that runs into its time-out says nothing about the server: the instance may be stuck. Two
different instances of one server within a minute do.
"""

import time
from threading import Lock
from uuid import UUID

WITHIN_SECONDS = 60.0
DIFFERENT = 2


class Suspects:
    """Remembers which instances timed out lately; of this process, shared by its threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._late: dict[UUID, dict[str, float]] = {}

    def is_server(self, server_id: UUID, instance: str) -> bool:
        """Note a time-out, and tell whether the server is to be blamed for it."""
        now = time.monotonic()
        with self._lock:
            late = self._late.setdefault(server_id, {})
            late[instance] = now
            young = {name: at for name, at in late.items() if now - at < WITHIN_SECONDS}
            self._late[server_id] = young
            return len(young) >= DIFFERENT

    def clear(self, server_id: UUID) -> None:
        """The server answered."""
        with self._lock:
            self._late.pop(server_id, None)
