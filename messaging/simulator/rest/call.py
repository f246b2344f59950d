"""What a route gets and gives, and the table of routes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from messaging.simulator.journal import Journal
    from messaging.simulator.state import Simulator
    from messaging.simulator.store import Instance
    from messaging.simulator.versions import Version

    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


INSTANCE_PATH = re.compile(r"(/[A-Za-z]+/[A-Za-z0-9]+)/([^/]+)/?")


class Guard(StrEnum):
    OPEN = "open"
    GLOBAL = "global"
    INSTANCE = "instance"
    """The instance must exist (404 first), then its token or the global key is needed."""
    ANY_KEY = "any_key"


class Client:
    """The other end of one request: whether it is still there, and whether it sends."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._journal: Journal | None = None
        self._instance = ""

    def enter(self, journal: Journal, instance: str) -> None:
        """Count this request as a send in hand until it is answered or its client gives up."""
        self._journal, self._instance = journal, instance
        journal.begin(instance)

    def leave(self) -> None:
        if self._journal is not None:
            self._journal.end(self._instance)
            self._journal = None

    async def wait(self, seconds: float) -> None:
        """Wait on, as Evolution does, even when the client goes."""
        if seconds <= 0:
            return
        gone = asyncio.ensure_future(self._goes())
        try:
            await asyncio.sleep(seconds)
        finally:
            gone.cancel()

    async def _goes(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.leave()


@dataclass(slots=True)
class Call:
    sim: Simulator
    query: dict[str, str]
    body: Any
    key: str
    client: Client
    target: Instance | None = None

    @property
    def instance(self) -> Instance:
        if self.target is None:
            raise LookupError("this route has no instance")
        return self.target


@dataclass(frozen=True, slots=True)
class Answer:
    body: Any
    status: int = 200


Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    handler: Handler
    guard: Guard
    baileys_only: bool = False
    """Answers 400 on Cloud API instances."""
    since: tuple[int, int, int] = (0, 0, 0)
    """Unknown to servers before this release."""


@dataclass(slots=True)
class Routes:
    """Filled by decorators, read by the server."""

    table: dict[tuple[str, str], Route] = field(default_factory=dict)

    def add(
        self,
        method: str,
        path: str,
        guard: Guard = Guard.INSTANCE,
        *,
        baileys_only: bool = False,
        since: tuple[int, int, int] = (0, 0, 0),
    ) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            self.table[method, path] = Route(method, path, handler, guard, baileys_only, since)
            return handler

        return register

    def find(self, method: str, path: str, version: Version) -> tuple[Route, str] | None:
        """The route and the instance name in the path ('' when it has none)."""
        plain = self.table.get((method, path.rstrip("/") or "/"))
        if plain is not None:
            return plain, ""
        match = INSTANCE_PATH.fullmatch(path)
        if match is None:
            return None
        route = self.table.get((method, match[1] + "/{instance}"))
        return (route, match[2]) if route and version.number >= route.since else None


routes = Routes()
