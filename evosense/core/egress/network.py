"""Connections that go only to addresses which passed, and end when the request's time is up."""

import ssl
import time
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore2

from evosense.core.egress.errors import EgressFailed
from evosense.core.egress.policy import Policy
from evosense.core.egress.target import Resolver, find_addresses

_PIECE = 16 * 1024


@dataclass(slots=True)
class Exchange:
    """The request of this context; times are of the monotonic clock."""

    # When it must be over. Time-outs of single reads are no limit: a server that sends one byte a
    # second never meets them.
    deadline: float
    # Its first byte may not leave later than this.
    write_by: float | None = None
    # Until then the other side cannot have acted on it, whatever went wrong.
    has_written: bool = False

    def begin_writing(self) -> None:
        """Note that the request leaves now; raises EgressFailed when it is too late for that."""
        if self.has_written:
            return
        if self.write_by is not None and time.monotonic() > self.write_by:
            raise EgressFailed("too_late")
        self.has_written = True


exchange: ContextVar[Exchange] = ContextVar("egress_exchange")


def remaining(timeout: float | None, error: type[Exception]) -> float:
    """Return what is left of the request's time, at most `timeout`; raises `error` at the end."""
    left = exchange.get().deadline - time.monotonic()
    if left <= 0:
        raise error
    return left if timeout is None else min(left, timeout)


class GuardedBackend(httpcore2.NetworkBackend):
    """Runs for every new connection: resolves, decides, connects to what it decided on.

    The caller goes on to use the name for TLS and Host, so a certificate is checked as usual, and
    a second look-up that says something else cannot happen.
    """

    def __init__(self, policy: Policy, resolver: Resolver | None = None) -> None:
        self._policy = policy
        self._resolver = resolver
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        failure: Exception = httpcore2.ConnectError()
        for address in find_addresses(host, port, self._policy, self._resolver):
            patience = remaining(timeout, httpcore2.ConnectTimeout)
            try:
                return TimedStream(
                    self._plain.connect_tcp(address, port, patience, local_address, socket_options)
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(self, *_arguments: Any, **_options: Any) -> httpcore2.NetworkStream:
        raise httpcore2.ConnectError

    def sleep(self, seconds: float) -> None:
        time.sleep(remaining(seconds, httpcore2.ConnectTimeout))


class TimedStream(httpcore2.NetworkStream):
    """A connection each of whose operations gets only what is left of the request's time."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, remaining(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces, because each partial send inside would get the whole time again.
        for start in range(0, len(buffer), _PIECE):
            exchange.get().begin_writing()
            patience = remaining(timeout, httpcore2.WriteTimeout)
            self._stream.write(buffer[start : start + _PIECE], patience)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        patience = remaining(timeout, httpcore2.ConnectTimeout)
        return TimedStream(self._stream.start_tls(ssl_context, server_hostname, patience))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
