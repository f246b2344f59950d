"""Who may post: the table of connections and token hashes, always in memory.

It is read from the database every 30 s and on NOTIFY webhook_routes. While the database is away the
old copy stays, and a copy on disk serves a start without a database. Whoever is not in it is asked
about before being refused: a connection may be younger than the table.
"""

import asyncio
import contextlib
import hashlib
import hmac
import logging
import os
import secrets
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import psycopg

from messaging.ingest.receiver import metrics
from messaging.ingest.receiver.config import ReceiverConfig
from messaging.ingest.receiver.link import Connection, Link, TooLateError
from messaging.ingest.receiver.spool import sync_directory

logger = logging.getLogger(__name__)

CHANNEL = "webhook_routes"
LOAD_TIMEOUT = 5.0
START_PATIENCE = 3.0
RETRY = 2.0
ASK_TIMEOUT = 1.0
# Many connections created at once cause one reload, many strangers one question.
COALESCE = 0.02
# What says that the database cannot be asked now.
UNASKED = (psycopg.Error, OSError, TooLateError)
_ROUTES = """
SELECT id, tenant_id, instance, token_hash, previous_token_hash,
       coalesce(extract(epoch FROM previous_valid_until), 0)::float8
FROM public.tenancy_webhookroute WHERE is_active
"""
_ALL = f"{_ROUTES} ORDER BY id"
_SOME = f"{_ROUTES} AND id = ANY(%s)"


class Route(NamedTuple):
    connection_id: UUID
    tenant_id: UUID
    instance: str
    token_hash: bytes
    previous_hash: bytes = b""
    previous_until: float = 0.0


# Compared against when the connection is unknown, so that both refusals cost the same.
_NOBODY = Route(UUID(int=0), UUID(int=0), "", secrets.token_bytes(32))


class TokenTable:
    def __init__(self) -> None:
        self._routes: dict[UUID, Route] = {}
        self.is_loaded = False

    def __len__(self) -> int:
        return len(self._routes)

    def replace(self, routes: Iterable[Route]) -> None:
        self._routes = {route.connection_id: route for route in routes}
        self.is_loaded = True
        metrics.ROUTES.set(len(self._routes))

    def add(self, route: Route) -> None:
        self._routes[route.connection_id] = route

    def find(self, connection: str, token: bytes) -> Route | None:
        """Return the connection this token opens; the same work whatever is wrong."""
        route = self._routes.get(_uuid(connection), _NOBODY)
        digest = hashlib.sha256(token).digest()
        is_current = hmac.compare_digest(digest, route.token_hash)
        is_previous = hmac.compare_digest(digest, route.previous_hash or _NOBODY.token_hash)
        is_valid = is_current | (is_previous & (route.previous_until > time.time()))
        return route if is_valid and route is not _NOBODY else None


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return _NOBODY.connection_id


class TableFile:
    """The copy on disk: hashes only, readable by us alone, replaced whole, with a checksum."""

    def __init__(self, directory: Path | None) -> None:
        self._path = directory / "routes.json" if directory else None
        self._written = b""

    def read(self) -> list[Route] | None:
        """Return the saved routes; None when there are none to trust."""
        if self._path is None:
            return None
        try:
            saved = self._path.read_bytes()
            payload = _verified(saved)
            routes = [_route_from(item) for item in orjson.loads(payload)]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            logger.warning("saved token table not used: %s", error)
            return None
        self._written = payload
        return routes

    def write(self, routes: list[Route]) -> None:
        """Save when something changed; a disk that refuses only costs the cold start."""
        payload = orjson.dumps([_item_of(route) for route in routes])
        if self._path is None or payload == self._written:
            return
        new = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}")
        checksum = hashlib.sha256(payload).hexdigest().encode()
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_durably(new, checksum + b"\n" + payload)
            new.replace(self._path)
            sync_directory(self._path.parent)
        except OSError as error:
            logger.warning("token table not saved: %s", error)
            with contextlib.suppress(OSError):
                new.unlink()
            return
        self._written = payload


def _verified(saved: bytes) -> bytes:
    checksum, _, payload = saved.partition(b"\n")
    if hashlib.sha256(payload).hexdigest().encode() != checksum:
        raise ValueError("wrong checksum")
    return payload


def _write_durably(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _item_of(route: Route) -> list[Any]:
    hashes = [route.token_hash.hex(), route.previous_hash.hex()]
    return [
        route.connection_id.hex,
        route.tenant_id.hex,
        route.instance,
        *hashes,
        route.previous_until,
    ]


def _route_from(item: list[Any]) -> Route:
    connection, tenant, instance, token, previous, until = item
    hashes = bytes.fromhex(token), bytes.fromhex(previous)
    return Route(UUID(connection), UUID(tenant), instance, *hashes, until)


class Inquiry:
    """Asks the database about single connections, one question at a time for all who wait.

    So strangers cost it no more than a small query now and then, however many they are.
    """

    def __init__(self, config: ReceiverConfig) -> None:
        self._link = Link(config.database_url, name="evosense-receiver-inquiry")
        self._turn = asyncio.Lock()
        self._wanted: set[UUID] = set()
        self._next: asyncio.Task[dict[UUID, Route]] | None = None

    async def route_of(self, connection_id: UUID) -> Route | None:
        """Return what the database has of a connection from now on; raises one of UNASKED."""
        self._wanted.add(connection_id)
        if self._next is None:
            self._next = asyncio.create_task(self._ask())
        return (await asyncio.shield(self._next)).get(connection_id)

    async def close(self) -> None:
        await self._link.close()

    async def _ask(self) -> dict[UUID, Route]:
        async with self._turn:
            await asyncio.sleep(COALESCE)
            wanted, self._wanted, self._next = list(self._wanted), set(), None
            routes = await self._link.run(partial(_read_routes, only=wanted), seconds=ASK_TIMEOUT)
        return {route.connection_id: route for route in routes}


class TokenKeeper:
    """Keeps the table fresh in the background."""

    def __init__(self, config: ReceiverConfig) -> None:
        self.table = TokenTable()
        self._config = config
        self._file = TableFile(config.state_dir)
        self._link = Link(config.database_url, name="evosense-receiver-routes")
        self._inquiry = Inquiry(config)
        self._changed = asyncio.Event()
        self._tried = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Return with a table if there is one, from the database rather than from disk.

        A connection made while we were away is not in the copy, and its events would be refused
        for good; while we wait here nobody listens yet, which senders take as "try again".
        """
        self._tasks = [asyncio.create_task(self._refresh()), asyncio.create_task(self._listen())]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_PATIENCE):
                await self._tried.wait()
        if not self.table.is_loaded:
            saved = await asyncio.to_thread(self._file.read)
            if saved is not None and not self.table.is_loaded:
                self.table.replace(saved)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._link.close()
        await self._inquiry.close()

    async def ask(self, connection: str, token: bytes) -> Route | None:
        """Find a connection that the table does not know yet, or a token; raises one of UNASKED."""
        connection_id = _uuid(connection)
        if connection_id == _NOBODY.connection_id:
            return None
        route = await self._inquiry.route_of(connection_id)
        if route is not None:
            self.table.add(route)
        return self.table.find(connection, token)

    async def _refresh(self) -> None:
        while True:
            pause = self._config.refresh
            try:
                await self._load()
            except UNASKED as error:
                logger.warning("token table not refreshed: %s", type(error).__name__)
                pause = RETRY
            self._tried.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()
                    await asyncio.sleep(COALESCE)

    async def _load(self) -> None:
        """Read the table; raises when the database is away, and the old copy stays."""
        self._changed.clear()
        routes = await self._link.run(_read_routes, seconds=LOAD_TIMEOUT)
        self.table.replace(routes)
        metrics.REFRESHED.set_to_current_time()
        await asyncio.to_thread(self._file.write, routes)

    async def _listen(self) -> None:
        """Wake the refresh on every NOTIFY. Its own connection, because waiting occupies one."""
        while True:
            try:
                await self._listen_once()
            except UNASKED as error:
                logger.info("not listening for token changes: %s", type(error).__name__)
            await asyncio.sleep(RETRY)

    async def _listen_once(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._config.database_url,
            autocommit=True,
            connect_timeout=5,
            application_name="evosense-receiver-listen",
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            # Changes between the last load and LISTEN had no listener.
            self._changed.set()
            async for _ in connection.notifies():
                self._changed.set()


async def _read_routes(connection: Connection, only: list[UUID] | None = None) -> list[Route]:
    asked = (_ALL, None) if only is None else (_SOME, [only])
    cursor = await connection.execute(*asked)
    rows = await cursor.fetchall()
    return [
        Route(connection, tenant, instance, bytes(token), bytes(previous or b""), until)
        for connection, tenant, instance, token, previous, until in rows
    ]
