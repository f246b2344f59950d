"""Turn raw webhook events into messages until stopped."""

import os
import select
import signal
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from evosense.core import metrics
from messaging.ingest.worker import TURN, Worker, collect_rarely


class Command(BaseCommand):
    help = "Apply raw webhook events; run as many of these processes as there are cores to spare."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--turn", type=int, default=TURN, help="events of a line in one turn")
        parser.add_argument("--once", action="store_true", help="stop when nothing is due")

    def handle(self, *_args: Any, **options: Any) -> None:
        worker = Worker(turn_size=max(1, options["turn"]))
        waker = Waker()

        def stop(*_signal: object) -> None:
            worker.stop()
            waker.wake()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        collect_rarely()
        metrics.serve_if_asked()
        try:
            if options["once"]:
                worker.drain()
            else:
                worker.run(waker.wait)
        finally:
            waker.close()
            connections.close_all()


class Waker:
    """Waits for NOTIFY on a connection of its own, or for a signal, or for the time to pass."""

    def __init__(self) -> None:
        self._listener: psycopg.Connection[Any] | None = None
        self._reader, self._writer = os.pipe()

    def wake(self) -> None:
        os.write(self._writer, b"x")

    def wait(self, seconds: float) -> None:
        listener = self._listening()
        watched = [self._reader, *([listener.fileno()] if listener else [])]
        ready, _, _ = select.select(watched, [], [], seconds)
        if listener and listener.fileno() in ready:
            try:
                list(listener.notifies(timeout=0))
            except psycopg.Error:
                self._drop()

    def _listening(self) -> "psycopg.Connection[Any] | None":
        """Return the listening connection; without one, polling goes on by itself."""
        if self._listener is None:
            parameters = connections["default"].get_connection_params()
            for name in ("cursor_factory", "context", "pool", "prepare_threshold"):
                parameters.pop(name, None)
            try:
                self._listener = psycopg.connect(**parameters, autocommit=True)
                self._listener.execute("LISTEN ingest")
            except psycopg.Error:
                self._drop()
        return self._listener

    def _drop(self) -> None:
        if self._listener is not None:
            self._listener.close()
        self._listener = None

    def close(self) -> None:
        self._drop()
        os.close(self._reader)
        os.close(self._writer)
