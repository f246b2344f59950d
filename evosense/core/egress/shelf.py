"""Connections that wait for their next request, the one used last on top.

The client's own pool looks at each of its connections twice a request, with a question to the
kernel for each; with 64 threads at one server that costs more than the request.
"""

import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore2

_Key = tuple[bytes, bytes, int]


class Shelf:
    """Lends connections to threads: at most `connections` at a time, idle ones for a while."""

    def __init__(
        self,
        backend: httpcore2.NetworkBackend,
        *,
        ssl_context: ssl.SSLContext | None,
        connections: int,
        idle_seconds: float,
    ) -> None:
        self._backend = backend
        self._ssl_context = ssl_context
        self._idle_seconds = idle_seconds
        self._room = threading.BoundedSemaphore(connections)
        self._lock = threading.Lock()
        self._waiting: dict[_Key, deque[tuple[float, httpcore2.HTTPConnection]]] = {}
        self._swept = time.monotonic()

    @contextmanager
    def lend(self, origin: httpcore2.Origin, patience: float) -> Iterator[httpcore2.HTTPConnection]:
        """Run the block with a connection to `origin` that nobody else uses.

        Raises PoolTimeout when too many were lent for `patience` seconds.
        """
        if not self._room.acquire(timeout=patience):
            raise httpcore2.PoolTimeout
        try:
            connection = self._take(origin) or self._new(origin)
            try:
                yield connection
            finally:
                self._put_back(origin, connection)
        finally:
            self._room.release()

    def close(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for shelved in waiting.values():
            for _, connection in shelved:
                connection.close()

    def _new(self, origin: httpcore2.Origin) -> httpcore2.HTTPConnection:
        if origin.scheme == b"https" and self._ssl_context is None:
            # Reading the system's certificates takes longer than a handshake.
            self._ssl_context = httpcore2.default_ssl_context()
        return httpcore2.HTTPConnection(
            origin,
            ssl_context=self._ssl_context,
            keepalive_expiry=self._idle_seconds,
            network_backend=self._backend,
        )

    def _take(self, origin: httpcore2.Origin) -> httpcore2.HTTPConnection | None:
        while True:
            with self._lock:
                shelved = self._waiting.get(_key(origin))
                if not shelved:
                    return None
                _, connection = shelved.pop()
            if not connection.has_expired():
                return connection
            connection.close()

    def _put_back(self, origin: httpcore2.Origin, connection: httpcore2.HTTPConnection) -> None:
        if not connection.is_available():
            # Never connected, broken, or its answer was not read to the end.
            connection.close()
            return
        now = time.monotonic()
        with self._lock:
            self._waiting.setdefault(_key(origin), deque()).append((now, connection))
            stale = self._sweep(now)
        for one in stale:
            one.close()

    def _sweep(self, now: float) -> list[httpcore2.HTTPConnection]:
        """Take down what nobody used for long, now and then."""
        if now - self._swept < self._idle_seconds:
            return []
        self._swept = now
        stale = []
        for key in list(self._waiting):
            shelved = self._waiting[key]
            while shelved and now - shelved[0][0] > self._idle_seconds:
                stale.append(shelved.popleft()[1])
            if not shelved:
                del self._waiting[key]
        return stale


def _key(origin: httpcore2.Origin) -> _Key:
    return (origin.scheme, origin.host, origin.port)
