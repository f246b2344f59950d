"""Liveness and readiness, answered beside the threads that a hung database holds up.

A server that hangs accepts connections and says nothing, so every question has a limit. One
question answers all probes of a second: nobody outside can make us open connections at will.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
import psycopg
import redis.asyncio
import redis.exceptions
from django.conf import settings

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Body = dict[str, str]

PATHS = frozenset({"/healthz", "/readyz"})
ALIVE: Body = {"status": "alive"}
# Whoever asks gives up after two seconds.
LIMIT_SECONDS = 1.2
KEEP_SECONDS = 1.0

_asked: tuple[float, asyncio.AbstractEventLoop, asyncio.Task[Body]] | None = None


async def application(scope: MutableMapping[str, Any], _receive: Receive, send: Send) -> None:
    """Answer /healthz from memory and /readyz from a question of this second."""
    if scope["method"] not in ("GET", "HEAD"):
        await _answer(send, 405, b"", (b"allow", b"GET, HEAD"))
        return
    body = ALIVE if scope["path"] == "/healthz" else await _recent_readiness()
    text = orjson.dumps(body) if scope["method"] == "GET" else b""
    await _answer(send, status_of(body), text, (b"cache-control", b"no-store"))


def status_of(body: Body) -> int:
    return 503 if body["status"] == "unready" else 200


async def readiness() -> Body:
    """Tell what works. Redis away is degraded, the database away is not ready."""
    database, cache = await asyncio.gather(_within(_ask_database()), _within(_ask_redis()))
    status = "unready" if not database else "ready" if cache else "degraded"
    return {"status": status, "database": _word(database), "redis": _word(cache)}


async def _recent_readiness() -> Body:
    global _asked  # noqa: PLW0603  (one event loop, one answer)
    loop, now = asyncio.get_running_loop(), time.monotonic()
    if _asked is None or _asked[1] is not loop or _asked[0] < now - KEEP_SECONDS:
        _asked = (now, loop, asyncio.create_task(readiness()))
    # A probe that gives up must not take the answer from the others.
    return await asyncio.shield(_asked[2])


async def _within(question: Awaitable[None]) -> bool:
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await question
    except (OSError, psycopg.Error, redis.exceptions.RedisError):
        return False
    return True


async def _ask_database() -> None:
    """Finish a handshake: the server works. Waiting for a query could not be cut off at once."""
    connection = await psycopg.AsyncConnection.connect(
        settings.DATABASE_URL, autocommit=True, application_name="probe"
    )
    await connection.close()


async def _ask_redis() -> None:
    async with redis.asyncio.Redis.from_url(settings.REDIS_URL) as client:
        await client.ping()


def _word(is_well: bool) -> str:  # noqa: FBT001
    return "ok" if is_well else "down"


async def _answer(send: Send, status: int, body: bytes, header: tuple[bytes, bytes]) -> None:
    headers = [(b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, header]})
    await send({"type": "http.response.body", "body": body})
