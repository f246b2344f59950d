"""`simulator`: an Evolution-compatible server, in the foreground."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from messaging.simulator import run


class Command(BaseCommand):
    help = "Serve an Evolution-compatible API that sends webhooks; prints its URL when it is up."
    # It touches no table, and must also start while the house is being set up.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        run.add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            run.serve(options, self._announce)
        except run.SetupError as error:
            raise CommandError(str(error)) from error

    def _announce(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
