"""How our commands speak: one JSON object on standard output, everything else on standard error."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from evosense.core.errors import DomainError


class JsonCommand(BaseCommand):
    """A command whose `answer` is printed as one JSON object; a refusal is one line and exit 1."""

    # Checks of pages and settings are for `check`; a command in a script must say one thing only.
    requires_system_checks: list[str] = []

    def answer(self, **options: Any) -> dict[str, Any]:
        """Do the work and return what to print."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        with refusals_as_one_line():
            answer = self.answer(**options)
        self.stdout.write(json.dumps(answer, default=str))


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
