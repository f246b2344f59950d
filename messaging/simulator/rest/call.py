"""What a route gets and gives, and the table of routes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from messaging.simulator.state import Simulator
    from messaging.simulator.store import Instance


class Guard(StrEnum):
    OPEN = "open"
    GLOBAL = "global"
    INSTANCE = "instance"
    """The instance must exist (404 first), then its token or the global key is needed."""
    ANY_KEY = "any_key"


@dataclass(slots=True)
class Call:
    sim: Simulator
    query: dict[str, str]
    body: Any
    key: str
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
    ) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            self.table[method, path] = Route(method, path, handler, guard, baileys_only)
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[Route, str] | None:
        """The route and the instance name in the path ('' when it has none)."""
        plain = self.table.get((method, path.rstrip("/") or "/"))
        if plain is not None:
            return plain, ""
        match = re.fullmatch(r"(/[A-Za-z]+/[A-Za-z0-9]+)/([^/]+)/?", path)
        if match is None:
            return None
        route = self.table.get((method, match[1] + "/{instance}"))
        return (route, match[2]) if route else None


routes = Routes()
