"""Every answer the receiver gives.

Evolution drops a message for good on 400, 401, 403, 404 and 422, and retries all other errors.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    name: str
    status: int
    body: bytes = b"{}"
    extra: Headers = ()

    async def send(self, send: Send) -> None:
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(self.body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            *self.extra,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def _retry(seconds: int) -> Headers:
    return ((b"retry-after", str(seconds).encode()),)


STORED = Answer("stored", 200)
# Same bytes for a path that does not exist, an unknown connection and a wrong token.
NOT_FOUND = Answer("not_found", 404, b'{"error":"not found"}')
METHOD = Answer("method", 405, b'{"error":"method not allowed"}', ((b"allow", b"POST"),))
# The token travelled readable for everybody on the way; a redirect would not take that back.
PLAIN = Answer("plain", 403, b'{"error":"use https"}')
# Evolution tries again after 429, with growing pauses; a guesser just gets no further.
STRANGER = Answer(
    "stranger", 429, b'{"error":"too many"}', (*_retry(60), (b"connection", b"close"))
)
TIMEOUT = Answer("timeout", 408, b'{"error":"body too slow"}')
OVERSIZE = Answer("oversize", 422, b'{"error":"body too large"}')
LOADING = Answer("loading", 503, b'{"error":"starting"}', _retry(5))
# Not in the table, and the database cannot be asked whether it is a new one.
UNSURE = Answer("unsure", 503, b'{"error":"try again"}', _retry(5))
BUSY = Answer("busy", 503, b'{"error":"busy"}', _retry(5))
GONE = Answer("gone", 503, b'{"error":"cannot store"}', _retry(30))
FAILED = Answer("failed", 503, b'{"error":"cannot store"}', _retry(30))
