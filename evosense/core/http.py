"""The one door to servers that are not ours: every request of the house leaves through it.

Addresses of tenants are a way into the operator's network. So a name is looked up once, every
address of it must be public, and the connection goes to what was looked at; no redirects, no
proxies from the environment, no cookies, TLS unless the operator permits otherwise, an end to
the time and to the size. Call it outside transactions: the other side decides how long it takes.
"""

import os
import ssl
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import httpcore2
import httpx2
import orjson
import structlog
from django.conf import settings

from evosense.core.egress.errors import EgressBlocked, EgressError, EgressFailed
from evosense.core.egress.network import Exchange, GuardedBackend, exchange
from evosense.core.egress.policy import Policy
from evosense.core.egress.seats import Seats
from evosense.core.egress.shelf import Shelf
from evosense.core.egress.target import Resolver, Target, find_addresses, read_url
from evosense.core.metrics import EGRESS

__all__ = [
    "Answer",
    "Egress",
    "EgressBlocked",
    "EgressError",
    "EgressFailed",
    "Seats",
    "check_url",
    "send",
]

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
LONGEST_ANSWER = 1024 * 1024
CONNECTIONS = 20
IDLE_SECONDS = 20.0
# Framing and destination are ours; a second voice about them would be request smuggling.
_OURS = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "te"}
)
_INFLATABLE = frozenset({"gzip", "x-gzip", "deflate"})
# Of all requests that have a door of their own.
_SEATS = Seats()
os.register_at_fork(after_in_child=_SEATS.clear)
logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; a redirect is an answer like another and is not followed."""

    status: int
    headers: httpx2.Headers
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the parsed body; raises EgressFailed when it is not JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise EgressFailed("broken_answer") from error


def check_url(url: str, *, look_up: bool = True) -> None:
    """Refuse an address at the time it is saved; raises EgressBlocked.

    Every request checks again. A name that is unknown now may be known then, so it passes.
    """
    target = read_url(url, settings.EGRESS)
    try:
        # Without a look-up only addresses spelled out in the URL can be judged.
        resolver = None if look_up else _look_nothing_up
        find_addresses(target.host, target.port, settings.EGRESS, resolver)
    except EgressFailed:
        return


def send(method: str, url: str, **options: Any) -> Answer:
    """Make one request on a connection of its own; the options are those of `Egress.send`."""
    with Egress(seats=_SEATS) as door:
        return door.send(method, url, **options)


class Egress:
    """Keeps connections open between requests to the same server; safe to share by threads.

    `connections` is how many requests run at a time; give it at least as many as there are threads.
    `seats` is how many of them one server and one company may have.
    `idle_seconds` should be less than the servers' own limit: a connection that the server closes
    at the moment of its use leaves open whether the request arrived.
    """

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        connections: int = CONNECTIONS,
        idle_seconds: float = IDLE_SECONDS,
        seats: Seats | None = None,
    ) -> None:
        self._policy = policy or settings.EGRESS
        self._seats = seats or Seats()
        self._backend = GuardedBackend(self._policy, resolver)
        self._shelf = Shelf(
            self._backend,
            ssl_context=ssl_context,
            connections=connections,
            idle_seconds=idle_seconds,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.close()

    def close(self) -> None:
        self._shelf.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        total_seconds: float = TOTAL_SECONDS,
        write_by: float | None = None,
        longest: int = LONGEST_ANSWER,
        purpose: str = "other",
    ) -> Answer:
        """Send a request and read the answer whole; raises EgressBlocked or EgressFailed.

        `purpose` is a word of ours for the metrics, never a tenant's. Nothing is written after
        `write_by` (of the monotonic clock): EgressFailed `too_late` then. `egress_busy` where the
        server, or the active company, has all its seats taken.
        """
        now = Exchange(time.monotonic() + total_seconds, write_by)
        with _counted(purpose), _under_way(now):
            return self._send(method, url, headers or {}, body, total_seconds, longest)

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        total_seconds: float,
        longest: int,
    ) -> Answer:
        try:
            target = read_url(url, self._policy)
            with self._seats.taken(target.host, target.port, seconds=total_seconds), _failures():
                return self._exchange(
                    httpcore2.Request(
                        method,
                        httpcore2.URL(
                            scheme=target.scheme,
                            host=target.host,
                            port=target.port,
                            target=target.path,
                        ),
                        headers=_headers(target, headers, body),
                        content=body,
                        extensions={"timeout": _patience(total_seconds)},
                    ),
                    longest,
                )
        except EgressBlocked as refusal:
            # Not the address: it may carry a token.
            logger.warning("egress_blocked", code=refusal.code)
            raise

    def _exchange(self, request: httpcore2.Request, longest: int) -> Answer:
        patience = request.extensions["timeout"]["pool"]
        with self._shelf.lend(request.url.origin, patience) as connection:
            response = connection.handle_request(request)
            try:
                headers = httpx2.Headers(response.headers)
                raw = bytearray()
                for chunk in response.iter_stream():
                    raw += chunk
                    if len(raw) > longest:
                        raise EgressFailed("too_large")
            finally:
                response.close()
        return Answer(response.status, headers, _decoded(bytes(raw), headers, longest))


def _headers(target: Target, wanted: Mapping[str, str], body: bytes) -> list[tuple[str, str]]:
    headers = {
        "Host": target.authority,
        "User-Agent": "EvoSense",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }
    if body:
        headers["Content-Length"] = str(len(body))
    known = {name.lower(): name for name in headers}
    for name, value in wanted.items():
        if name.lower() in _OURS:
            raise ValueError(f"the header {name} belongs to the client")
        headers[known.get(name.lower(), name)] = value
    return list(headers.items())


def _patience(total: float) -> dict[str, float]:
    return {
        "connect": min(CONNECT_SECONDS, total),
        "read": total,
        "write": total,
        "pool": min(CONNECT_SECONDS, total),
    }


def _decoded(raw: bytes, headers: httpx2.Headers, longest: int) -> bytes:
    """Undo an encoding that was not asked for, up to `longest`: a bomb must not open here."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"", "identity"} or not raw:
        return raw
    if encoding not in _INFLATABLE:
        raise EgressFailed("broken_answer")
    inflater = zlib.decompressobj(wbits=47)
    try:
        plain = inflater.decompress(raw, longest + 1)
    except zlib.error as error:
        raise EgressFailed("broken_answer") from error
    if len(plain) > longest:
        raise EgressFailed("too_large")
    if not inflater.eof:
        raise EgressFailed("broken_answer")
    return plain


@contextmanager
def _counted(purpose: str) -> Iterator[None]:
    try:
        yield
    except EgressError as error:
        EGRESS.labels(purpose, error.code).inc()
        raise
    EGRESS.labels(purpose, "answered").inc()


@contextmanager
def _under_way(now: Exchange) -> Iterator[None]:
    token = exchange.set(now)
    try:
        yield
    except EgressFailed as failure:
        failure.has_written = now.has_written
        raise
    finally:
        exchange.reset(token)


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except httpcore2.TimeoutException as error:
        raise EgressFailed("timed_out") from error
    except (httpcore2.NetworkError, ssl.SSLError) as error:
        raise EgressFailed("tls_failed" if _is_tls(error) else "connect_failed") from error
    except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol) as error:
        raise EgressFailed("broken_answer") from error


def _is_tls(error: BaseException) -> bool:
    """Tell whether a certificate or a handshake is at fault; the cause is kept by the client."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _look_nothing_up(_name: str, _port: int) -> list[str]:
    raise EgressFailed("name_unknown")
