"""How our commands speak: one JSON object on standard output, everything else on standard error."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from evosense.core.errors import DomainError


class TerseCommand(BaseCommand):
    """A command for scripts: one thing on standard output, one line when it refuses."""

    # Checks of pages and settings are for `check`; a command in a script must say one thing only.
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Leave the usage to `--help`, so that a wrong argument is one line too."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.print_usage = _say_nothing  # type: ignore[method-assign]
        return parser


class JsonCommand(TerseCommand):
    """A command whose `answer` is printed as one JSON object; a refusal is one line and exit 1."""

    def answer(self, **options: Any) -> dict[str, Any]:
        """Do the work and return what to print."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        with refusals_as_one_line():
            answer = self.answer(**options)
        self.stdout.write(json.dumps(answer, default=str))


def _say_nothing(file: Any = None) -> None:
    pass


@contextmanager
def refusals_as_one_line() -> Iterator[None]:
    """Turn what an operator can understand into Django's one-line `CommandError`."""
    try:
        yield
    except DomainError as error:
        place = f"{error.field}: " if error.field else ""
        message = " ".join(str(error.message).split())
        raise CommandError(f"{place}{message}") from error
    except DatabaseError as error:
        raise CommandError(f"database: {str(error).splitlines()[0]}") from error
