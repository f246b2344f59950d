"""Pairing codes go straight to Redis for a minute and are never stored.

Best effort beside the answer: a new code comes every 20 to 40 seconds anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from messaging.ingest import pairing_codes
from messaging.ingest.receiver.tokens import Route

logger = logging.getLogger(__name__)

TIMEOUT = 0.5
MAX_WAITING = 32


class QrShelf:
    def __init__(self, redis_url: str) -> None:
        self._redis: Redis[bytes] | None = None
        if redis_url:
            self._redis = Redis.from_url(
                redis_url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
            )
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, route: Route, qr: dict[str, str], sent: str = "") -> None:
        """Publish in the background; dropped when Redis is slow and too many wait already."""
        call = pairing_codes.call(route.tenant_id, route.connection_id, qr, sent=sent)
        if call is None or self._redis is None or len(self._tasks) >= MAX_WAITING:
            return
        task = asyncio.create_task(self._put(self._redis, call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._redis is not None:
            with contextlib.suppress(RedisError, OSError):
                await self._redis.connection_pool.disconnect()

    @staticmethod
    async def _put(redis: Redis[bytes], call: list[Any]) -> None:
        try:
            async with asyncio.timeout(TIMEOUT * 2):
                await redis.eval(*call)  # type: ignore[no-untyped-call]
        except (RedisError, OSError, TimeoutError) as error:
            logger.info("QR code not published: %s", type(error).__name__)
