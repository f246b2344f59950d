"""What the commands about archives share: files, passphrases, and how results are told."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError, CommandParser

from tenancy.archive import errors
from tenancy.archive.compare import Comparison
from tenancy.management.output import JsonCommand, refusals_as_one_line

DIFFERENT = 3
_UNFINISHED = ".evoa-part"
PASSPHRASE = "EVOSENSE_ARCHIVE_PASSPHRASE"  # noqa: S105  (the name of a variable)


def add_passphrase(parser: CommandParser) -> None:
    parser.add_argument(
        "--passphrase-env",
        default=PASSPHRASE,
        metavar="VAR",
        help=f"The environment variable that holds the passphrase ({PASSPHRASE}).",
    )


def passphrase_of(variable: str) -> str:
    """Return the passphrase; it never stands in a command line, which others can read."""
    passphrase = os.environ.get(variable, "")
    if not passphrase:
        raise CommandError(f"--passphrase-env: {variable} is not set")
    return passphrase


@contextmanager
def writing(path: str) -> Iterator[BinaryIO]:
    """Yield a new file that gets its name when it is whole; an existing one is never replaced."""
    target = Path(path)
    if not target.name:
        raise CommandError("--to: name a file")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}{_UNFINISHED}")
    if target.exists():
        raise CommandError(f"--to: {path} exists already")
    _sweep(target.parent)
    try:
        with unfinished.open("xb") as file:
            # Held until the process ends, however it does.
            flock(file, LOCK_EX | LOCK_NB)
            unfinished.chmod(0o600)
            yield file
            file.flush()
            os.fsync(file.fileno())
        # A link, not a rename: of two exports to one name the second must not win silently.
        os.link(unfinished, target)
    except FileExistsError as error:
        raise CommandError(f"--to: {path} exists already") from error
    except OSError as error:
        raise CommandError(f"--to: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _sweep(folder: Path) -> None:
    """Remove what exports that were killed left in a folder; one that still runs holds its file."""
    for left in folder.glob(f".*{_UNFINISHED}"):
        with suppress(OSError), left.open("rb") as file:
            flock(file, LOCK_EX | LOCK_NB)
            left.unlink()


@contextmanager
def reading(path: str) -> Iterator[BinaryIO]:
    """Yield a file to read from."""
    try:
        file = Path(path).open("rb")  # noqa: SIM115  (closed below)
    except OSError as error:
        raise errors.unreadable(error.strerror or error) from error
    with file:
        yield file


class ComparingCommand(JsonCommand):
    """A command that exits with 3 when what it compared is not the same."""

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        with refusals_as_one_line():
            answer = self.answer(**options)
        self.stdout.write(json.dumps(answer, default=str))
        if self.is_different(answer):
            raise SystemExit(DIFFERENT)

    def is_different(self, answer: dict[str, Any]) -> bool:
        return bool(answer["different"])


def told(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as it is printed: all counts, and the tables that differ."""
    return {
        "different": comparison.different,
        "rows": comparison.rows,
        "tables": {
            name: {"left": found.left, "right": found.right, "different": found.different}
            for name, found in sorted(comparison.tables.items())
            if found.different
        },
    }
