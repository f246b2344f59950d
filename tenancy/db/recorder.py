"""Records the statements that migrations send, so that they can be played into other schemas."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

# Reads, and the transaction and path handling that the player has of its own.
_SKIPPED = re.compile(
    r"\s*(SELECT|SHOW|SET search_path|SAVEPOINT|RELEASE|ROLLBACK)\b", re.IGNORECASE
)
# The player writes these rows itself, with the time of playing.
_BOOKKEEPING = re.compile(r'\s*(INSERT INTO|DELETE FROM) "?django_migrations"?', re.IGNORECASE)
# Django appends SET CONSTRAINTS to an inline foreign key and puts it before the drop of one; Citus
# refuses strings of two statements.
_TAIL = re.compile(r";\s*(?=SET CONSTRAINTS )|(?<= IMMEDIATE);\s*(?=ALTER TABLE )")


def is_left_out(sql: str) -> bool:
    """Tell whether a recording lacks this statement."""
    return bool(_SKIPPED.match(sql))


@contextmanager
def recording() -> Iterator[list[str]]:
    """Collect every changing statement of the block, parameters written into it."""
    statements: list[str] = []

    def record(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        text = str(sql)
        if not is_left_out(text) and not _BOOKKEEPING.match(text):
            for values in params if many else [params]:
                statements.extend(_split(_inlined(text, values)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record):
        yield statements


def bookkeeping() -> str:
    """Return one statement that notes the migrations of the active schema as applied just now."""
    return notes(MigrationRecorder(connection).applied_migrations())


def notes(keys: Iterable[tuple[str, str]]) -> str:
    """Return one statement that notes these migrations as applied just now."""
    values = ", ".join(_inlined("(%s, %s, now())", list(key)) for key in keys)
    return f"INSERT INTO django_migrations (app, name, applied) VALUES {values}"  # noqa: S608


def _inlined(sql: str, values: Any) -> str:
    if values is None:
        return sql
    cursor: Any = psycopg.ClientCursor(connection.connection)
    return str(cursor.mogrify(sql, values))


def _split(sql: str) -> list[str]:
    return [part.strip().rstrip(";") for part in _TAIL.split(sql)]
