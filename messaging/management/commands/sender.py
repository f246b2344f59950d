"""`manage.py sender`: sends what waits, for all companies, until stopped."""

import os
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from evosense.core import metrics
from messaging.ingest.worker import collect_rarely
from messaging.sender.engine import THREADS, Sender


class Command(BaseCommand):
    help = "Send what waits in the lanes of all connections until SIGTERM; any number may run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--threads", type=int, default=THREADS, help="calls at the same time")
        parser.add_argument("--once", action="store_true", help="stop when nothing is due")

    def handle(self, *_args: Any, **options: Any) -> None:
        sender = Sender(max(1, options["threads"]))

        def stop(*_signal: object) -> None:
            sender.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        collect_rarely()
        metrics.serve_if_asked()
        try:
            sender.run(once=options["once"])
        finally:
            connections.close_all()
        # Threads that still wait for a server would keep the interpreter from ending.
        self.stdout.flush()
        if sender.has_calls_left:
            os._exit(0)
