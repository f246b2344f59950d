"""Event streams for browsers: a bare ASGI application, no database connection held.

`GET /eventos?ticket=…`: the ticket (signed, 60 s to connect) comes from a page that the user was
allowed to see, names tenant, user and log-in, and is the only input that chooses the Redis stream.
Hints carry ids, never content. A stream ends when one of the three may not look any more, and after
five minutes in any case; the browser reconnects with a new ticket and its last event id. What it
missed is replayed, or it is told to `resync`.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

import orjson
import redis.asyncio
import redis.exceptions

from evosense.core import streams
from evosense.core.stream_ticket import Ticket, read_ticket

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

LIFE_SECONDS = 300
HEARTBEAT_SECONDS = 20
MAX_STREAMS = 2_000
_BATCH = 200

_open_streams = 0
_clients: dict[int, "redis.asyncio.Redis[bytes]"] = {}


async def application(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """Serve one stream, or refuse it with a plain status."""
    if scope["type"] != "http" or scope["method"] != "GET":
        await _refuse(send, 405)
        return
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    ticket = read_ticket(query.get("ticket", [""])[0])
    if ticket is None:
        await _refuse(send, 403)
        return
    if _open_streams >= MAX_STREAMS:
        await _refuse(send, 503)
        return
    await _serve(ticket, _start_id(scope, query), receive, send)


async def _serve(ticket: Ticket, start: str, receive: Receive, send: Send) -> None:
    global _open_streams  # noqa: PLW0603  (one event loop, one counter)
    _open_streams += 1
    gone = asyncio.create_task(_wait_for_disconnect(receive))
    pump = asyncio.create_task(_pump(ticket, start, send))
    try:
        await asyncio.wait({gone, pump}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        # The server is shutting down; the browser comes back to the next one.
        return
    finally:
        _open_streams -= 1
        for task in (gone, pump):
            task.cancel()
        await asyncio.gather(gone, pump, return_exceptions=True)


async def _pump(ticket: Ticket, start: str, send: Send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-store"),
                (b"x-content-type-options", b"nosniff"),
                (b"x-accel-buffering", b"no"),
            ],
        }
    )
    key = streams.hints_key(ticket.tenant_id)
    ends = time.monotonic() + LIFE_SECONDS
    with suppress(_ClosedError):
        await _refuse_closed(ticket)
        last = await _begin(key, start, send)
        while time.monotonic() < ends:
            last = await _forward(key, last, ticket, send)
    await send({"type": "http.response.body", "body": b"event: bye\ndata: {}\n\n"})


class _ClosedError(Exception):
    """The tenant was suspended or deleted, or the person left: the stream ends."""


async def _refuse_closed(ticket: Ticket) -> None:
    """Let no ticket from just before a suspension or a farewell open a stream after it."""
    keys = (
        streams.closed_key(ticket.tenant_id),
        streams.left_key(ticket.tenant_id, ticket.user_id),
        streams.left_key(ticket.tenant_id, ticket.session),
    )
    with suppress(redis.exceptions.RedisError):
        if await _client().exists(*keys):
            raise _ClosedError


async def _begin(key: str, start: str, send: Send) -> str:
    """Return the id to read after; tells the page to resync when its place is gone."""
    try:
        info = await _client().xinfo_stream(key)
        newest = str(info["last-generated-id"], "ascii")
        # A shorter stream was never trimmed: an early place has missed nothing.
        oldest = _id(info["first-entry"]) if info["length"] >= streams.KEEP else ""
    except redis.exceptions.ResponseError:
        oldest, newest = "", "0-0"
    except redis.exceptions.RedisError:
        await _write(send, b"event: resync\ndata: {}\n\n")
        return "$"
    if start and oldest and _order(start) < _order(oldest):
        await _write(send, f"id: {newest}\nevent: resync\ndata: {{}}\n\n".encode())
        return newest
    await _write(send, f"id: {start or newest}\nevent: hello\ndata: {{}}\n\n".encode())
    return start or newest


async def _forward(key: str, last: str, ticket: Ticket, send: Send) -> str:
    """Wait for hints up to one heartbeat and pass them on; returns the id to go on after."""
    try:
        found = await _client().xread({key: last}, count=_BATCH, block=HEARTBEAT_SECONDS * 1000)
    except redis.exceptions.RedisError:
        await asyncio.sleep(2)
        await _write(send, b": waiting\n\n")
        return last
    if not found:
        await _write(send, b"event: beat\ndata: {}\n\n")
        return last
    lines = []
    for entry_id, fields in found[0][1]:
        last = entry_id.decode()
        kind, ids = fields[b"kind"].decode(), fields[b"ids"].decode()
        if kind == streams.CLOSED or _is_farewell(kind, ids, ticket):
            raise _ClosedError
        if kind not in ticket.hidden and kind != streams.LEFT:
            lines.append(f"id: {last}\nevent: {kind}\ndata: {ids}\n\n")
    # Nothing left is still a sign of life.
    await _write(send, "".join(lines or [": quiet\n\n"]).encode())
    return last


def _is_farewell(kind: str, ids: str, ticket: Ticket) -> bool:
    """Tell whether the person left, or the log-in under which this stream was opened ended."""
    if kind != streams.LEFT:
        return False
    gone = orjson.loads(ids)
    return gone.get("user_id") == ticket.user_id or ticket.session in gone.get("sessions", ())


async def _write(send: Send, chunk: bytes) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, status: int) -> None:
    headers = [
        (b"content-length", b"0"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if status == 503:
        headers.append((b"retry-after", b"10"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _start_id(scope: MutableMapping[str, Any], query: dict[str, list[str]]) -> str:
    headers = dict(scope.get("headers", []))
    wanted = headers.get(b"last-event-id", b"").decode("latin-1") or query.get("cursor", [""])[0]
    return wanted if _order(wanted) else ""


def _order(entry_id: str) -> tuple[int, int] | tuple[()]:
    """Return the sortable form of a Redis stream id, () when it is not one."""
    first, _separator, second = entry_id.partition("-")
    if not (first.isascii() and first.isdigit() and len(first) < 20):
        return ()
    return int(first), int(second) if second.isascii() and second.isdigit() else 0


def _id(entry: Any) -> str:
    return entry[0].decode() if entry else ""


def _client() -> "redis.asyncio.Redis[bytes]":
    # One client for each event loop: its connections belong to the loop that opened them.
    loop = id(asyncio.get_running_loop())
    if loop not in _clients:
        _clients[loop] = redis.asyncio.Redis.from_url(
            os.environ["REDIS_URL"],
            socket_connect_timeout=2,
            socket_timeout=HEARTBEAT_SECONDS + 10,
            max_connections=MAX_STREAMS + 10,
        )
    return _clients[loop]
