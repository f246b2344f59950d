"""Waiting for a PostgreSQL notification; polling stays the truth, this only makes it prompt."""

import time
from types import TracebackType
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql


class Wakeup:
    """A connection of its own that listens to one channel; survives the server's absence."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._connection: psycopg.Connection[Any] | None = None

    def __enter__(self) -> "Wakeup":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._drop()

    def wait(self, seconds: float) -> bool:
        """Return True on a notification, False after `seconds`, whatever the server does."""
        started = time.monotonic()
        try:
            for _notification in self._listening().notifies(timeout=seconds, stop_after=1):
                return True
        except psycopg.Error:
            self._drop()
            time.sleep(max(0.0, seconds - (time.monotonic() - started)))
        return False

    def _listening(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            self._connection = psycopg.connect(
                settings.DATABASE_URL, autocommit=True, connect_timeout=3
            )
            self._connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
