"""`simulator`: an Evolution-compatible server, in the foreground."""

import json
import threading
from argparse import ArgumentParser
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connections

from evosense.core.tracebacks import headline
from messaging.management import demo_company
from messaging.simulator import run

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Serve an Evolution-compatible API that sends webhooks; prints its URL when it is up."
    # It must also start while the house is being set up.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        run.add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            run.serve(options, partial(self._announce, is_demo=options["demo"]))
        except run.SetupError as error:
            raise CommandError(str(error)) from error

    def _announce(self, line: str, *, is_demo: bool) -> None:
        if is_demo:
            port = urlsplit(json.loads(line)["url"]).port
            # Its event loop serves already and must not wait for a database.
            threading.Thread(target=_open_numbers, args=(port,), name="open_numbers").start()
        self.stdout.write(line)
        self.stdout.flush()


def _open_numbers(port: int) -> None:
    try:
        demo_company.open_numbers(port)
    except Error as error:
        log.warning("simulator.numbers_not_opened", error=headline(error))
    finally:
        connections.close_all()
