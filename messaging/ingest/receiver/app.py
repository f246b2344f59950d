"""The bare ASGI application that takes Evolution's webhooks, outside Django and any tenant.

A 200 means: the event is on a disk we control and will be processed at least once.
"""

import asyncio
import contextlib
import logging
import time
from functools import partial

from prometheus_client import start_http_server

from messaging.ingest.receiver import answers, metrics
from messaging.ingest.receiver.answers import Answer, Receive, Scope, Send
from messaging.ingest.receiver.budget import Budget, Held, RefusedError
from messaging.ingest.receiver.config import ReceiverConfig
from messaging.ingest.receiver.drainer import Drainer
from messaging.ingest.receiver.intake import (
    Address,
    arrival_of,
    hide_token,
    oversize,
    read_path,
)
from messaging.ingest.receiver.qr import QrShelf
from messaging.ingest.receiver.redact import inflate
from messaging.ingest.receiver.spool import Spool
from messaging.ingest.receiver.store import DATABASE_ERRORS, GroupStore, Outcome
from messaging.ingest.receiver.strangers import Strangers, address_of, came_readable
from messaging.ingest.receiver.tokens import UNASKED, Route, TokenKeeper

logger = logging.getLogger(__name__)

TOKEN_HEADER = b"x-evosense-token"
# Larger bodies are parsed in a thread, so that a 20 MB document does not stop the small ones.
PARSE_IN_THREAD = 256 * 1024
LAST_DRAIN = 5.0


class Receiver:
    def __init__(self, config: ReceiverConfig) -> None:
        self._config = config
        self._spool = Spool(config.spool_dir, limit=config.spool_limit, roll=config.spool_roll)
        self._store = GroupStore(config, self._spool)
        self._keeper = TokenKeeper(config)
        self._drainer = Drainer(config.database_url, config.spool_dir)
        self._shelf = QrShelf(config.redis_url)
        self._strangers = Strangers(config.strangers)
        self._parsing = asyncio.Semaphore(1)
        self._budget = Budget(config.max_inflight)
        self._draining: asyncio.Task[None] | None = None
        metrics.INFLIGHT.set_function(lambda: self._budget.held)

    async def start(self) -> None:
        if self._config.spool_dir is None:
            logger.warning("the spool is off: while the database is away the answer is 503")
        self._store.start()
        await self._keeper.start()
        self._draining = asyncio.create_task(self._drain())

    async def stop(self) -> None:
        """Store what was accepted and hand the spool over; open requests have ended before."""
        await self._store.stop()
        self._spool.seal()
        if self._draining is not None:
            self._draining.cancel()
            await asyncio.gather(self._draining, return_exceptions=True)
        with contextlib.suppress(TimeoutError, *DATABASE_ERRORS):
            async with asyncio.timeout(LAST_DRAIN):
                await self._drain_round()
        await self._drainer.close()
        await self._keeper.stop()
        await self._shelf.close()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        answer: Answer | None
        try:
            answer = await self._answer(scope, receive)
        except RefusedError as refusal:
            answer = refusal.answer
        except Exception:
            logger.exception("a hook request failed")
            answer = answers.FAILED
        metrics.answered(answer.name if answer else "disconnected").inc()
        if answer is not None:
            await answer.send(send)
            metrics.SECONDS.observe(time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if refusal := self._refusal(scope):
            return refusal
        address = read_path(scope["path"])
        if address is None:
            return answers.NOT_FOUND
        headers = dict(scope["headers"])
        token = headers.get(TOKEN_HEADER, b"") or address.token.encode("utf-8", "replace")
        route = self._keeper.table.find(address.connection, token)
        if route is None:
            route = await self._asked(scope, address, token)
        held = Held(self._budget)
        try:
            raw = await self._body(headers, receive, held)
            if raw is None:
                return await self._refuse_oversize(route, address)
            return await self._take(route, address, raw)
        finally:
            held.release()

    def _refusal(self, scope: Scope) -> Answer | None:
        """Return why nobody is heard like this, whoever it is."""
        if scope["method"] != "POST":
            return answers.METHOD
        if self._config.https_only and came_readable(scope):
            return answers.PLAIN
        return None if self._keeper.table.is_loaded else answers.LOADING

    async def _asked(self, scope: Scope, address: Address, token: bytes) -> Route:
        """Return the route of a connection that was made a moment ago; refuses everybody else."""
        if not self._strangers.allows(address_of(scope, self._config.trusted_proxies)):
            raise RefusedError(answers.STRANGER)
        try:
            route = await self._keeper.ask(address.connection, token)
        except UNASKED as error:
            # Evolution drops for good what is answered 404, and we do not know.
            raise RefusedError(answers.UNSURE) from error
        if route is None:
            raise RefusedError(answers.NOT_FOUND)
        return route

    async def _body(
        self, headers: dict[bytes, bytes], receive: Receive, held: Held
    ) -> bytes | None:
        """Read the body; None when it exceeds the limit."""
        limit = self._config.max_body
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > limit:
            return None
        try:
            async with asyncio.timeout(self._config.body_timeout):
                raw = await _read(receive, held, limit)
        except TimeoutError as error:
            raise RefusedError(answers.TIMEOUT) from error
        if raw and headers.get(b"content-encoding", b"identity") != b"identity":
            return inflate(raw, limit=limit)
        return raw

    async def _take(self, route: Route, address: Address, raw: bytes) -> Answer:
        read = partial(
            arrival_of, route, raw, path_event=address.event, max_blob=self._config.max_blob
        )
        if len(raw) < PARSE_IN_THREAD:
            arrival = read()
        else:
            async with self._parsing:
                arrival = await asyncio.to_thread(read)
        if arrival.qr and not arrival.record.flag:
            self._shelf.put(route, arrival.qr, arrival.sent)
        if arrival.record.flag:
            metrics.FLAGS.labels(arrival.record.flag).inc()
        outcome = await self._store.put(arrival.record)
        return answers.GONE if outcome is Outcome.GONE else answers.STORED

    async def _refuse_oversize(self, route: Route, address: Address) -> Answer:
        metrics.FLAGS.labels("oversize").inc()
        outcome = await self._store.put(oversize(route, path_event=address.event))
        return answers.GONE if outcome is Outcome.GONE else answers.OVERSIZE

    async def _drain(self) -> None:
        while True:
            try:
                await self._drain_round()
            except DATABASE_ERRORS as error:
                logger.info("spool not drained: %s", type(error).__name__)
            except Exception:
                logger.exception("spool not drained")
            await asyncio.sleep(self._config.drain_interval)

    async def _drain_round(self) -> None:
        if not self._store.breaker.is_open:
            await asyncio.to_thread(self._spool.seal)
            if drained := await self._drainer.drain():
                logger.info("drained %d spooled events", drained)
        state = await asyncio.to_thread(self._spool.state)
        metrics.SPOOL_BYTES.set(state.size)
        metrics.SPOOL_AGE.set(state.oldest_seconds)
        metrics.SPOOL_STALE.set(int(state.is_stale))


async def _read(receive: Receive, held: Held, limit: int) -> bytes | None:
    """Collect the chunks of a body; None as soon as they exceed the limit."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedError(None)
        chunk: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size > limit:
            return None
        held.add(len(chunk))
        chunks.append(chunk)
    return b"".join(chunks)


_running: Receiver | None = None


async def startup(config: ReceiverConfig | None = None) -> None:
    """Start the receiver of this process; call it in the event loop that will serve requests."""
    global _running  # noqa: PLW0603 - one receiver per process, shared by every request
    if _running is None:
        _hide_tokens_in_access_log()
        _running = Receiver(config or ReceiverConfig.from_environment())
        await _running.start()


async def shutdown() -> None:
    """Store what was accepted and stop; requests afterwards get a 503."""
    global _running
    stopping, _running = _running, None
    if stopping is not None:
        await stopping.stop()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve hook requests, and the lifespan when this is the whole process."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close"})
    elif _running is None:
        await answers.LOADING.send(send)
    else:
        await _running.handle(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    try:
        config = ReceiverConfig.from_environment()
        if config.metrics_port:
            start_http_server(config.metrics_port)
        await startup(config)
    except Exception as error:
        # Raising would look like "no lifespan wanted", and the server would answer 503 for ever.
        logger.exception("the receiver cannot start")
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await shutdown()
    await send({"type": "lifespan.shutdown.complete"})


class _HideTokens(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                hide_token(item) if isinstance(item, str) else item for item in record.args
            )
        return True


def _hide_tokens_in_access_log() -> None:
    """Keep webhook tokens that stand in paths out of uvicorn's access log."""
    log = logging.getLogger("uvicorn.access")
    if not any(isinstance(known, _HideTokens) for known in log.filters):
        log.addFilter(_HideTokens())
