"""One database connection that never makes its user wait longer than agreed.

`asyncio.wait_for` does not bound a psycopg query: cancelling waits for the server (10 s measured
with a stopped PostgreSQL instead of 1 s). So work runs as a task of its own, and when the time is
over the socket is shut down under it, which ends the task at once whatever the server does.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection

T = TypeVar("T")
Connection = AsyncConnection[tuple[Any, ...]]
Work = Callable[[Connection], Awaitable[T]]


class TooLateError(Exception):
    """The database did not answer in time; what was asked may still be committed."""


class Link:
    """A connection opened on demand and thrown away after any failure. For one user at a time."""

    def __init__(
        self,
        url: str,
        *,
        name: str,
        settings: dict[str, str] | None = None,
        prepare: Callable[[Connection], None] | None = None,
    ) -> None:
        self._url = url
        self._name = name
        self._settings = {"synchronous_commit": "on", "lock_timeout": "900ms"} | (settings or {})
        self._prepare = prepare
        self._connection: Connection | None = None

    async def run(self, work: Work[T], *, seconds: float) -> T:
        """Run `work` with the connection; TooLateError after `seconds`, never a longer wait."""
        task = asyncio.ensure_future(self._run(work))
        try:
            done, _ = await asyncio.wait({task}, timeout=seconds)
        except asyncio.CancelledError:
            self._abandon(task)
            raise
        if not done:
            self._abandon(task)
            raise TooLateError(self._name)
        if task.exception() is not None:
            await self.close()
        return task.result()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()

    async def _run(self, work: Work[T]) -> T:
        if self._connection is None or self._connection.closed:
            self._connection = await self._open()
        return await work(self._connection)

    async def _open(self) -> Connection:
        connection = await AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=5, application_name=self._name
        )
        settings = ", ".join("set_config(%s, %s, false)" for _ in self._settings)
        values = [part for pair in self._settings.items() for part in pair]
        await connection.execute(f"SELECT {settings}", values)
        if self._prepare is not None:
            self._prepare(connection)
        return connection

    def _abandon(self, task: asyncio.Future[Any]) -> None:
        connection, self._connection = self._connection, None
        # Without a connection the task is still connecting, where cancelling is immediate.
        if connection is None:
            task.cancel()
        else:
            _cut(connection)
        task.add_done_callback(_forget)


def _cut(connection: Connection) -> None:
    """Make the waiting side see the end of the stream; closing the descriptor would confuse it."""
    with (
        contextlib.suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.fileno())) as copy,
    ):
        copy.shutdown(socket.SHUT_RDWR)


def _forget(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()
