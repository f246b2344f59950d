"""A raw cursor whose search path is known to be this tenant's.

The hot path binds arrays on the server; Django's cursor would interpolate every value into the
text of the statement.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.datetime import TimestamptzLoader

from evosense.core.schema import database_cursor, in_transaction, require_tenant_schema

Row = tuple[Any, ...]
Parameters = Sequence[Any] | Mapping[str, Any]


class Sql:
    """Runs statements in the current transaction and tenant, and counts them."""

    def __init__(self) -> None:
        if not in_transaction():
            raise RuntimeError("apply needs the transaction that marks its events done.")
        self.count = 0
        schema = require_tenant_schema()
        with database_cursor() as cursor:
            # Django's cursor sets the path when it is not the context's; a raw one never does.
            cursor.execute("SELECT current_schema()")
            found = cursor.fetchone()[0]
            self._cursor: psycopg.Cursor[Row] = psycopg.Cursor(cursor.connection)
        # Django's loader of times is written in Python; the server's zone is UTC anyway.
        self._cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        if found != schema:
            raise RuntimeError(f"search path starts with {found}, not with the tenant's schema.")

    def rows(
        self, statement: str, parameters: Parameters = (), *, binary: bool = False
    ) -> list[Row]:
        """Return the rows; `binary` spares large bytes the way through their hexadecimal text."""
        self.count += 1
        return self._cursor.execute(statement, parameters, binary=binary).fetchall()

    def often(self, statement: str, parameters: Parameters = ()) -> list[Row]:
        """Return the rows of a statement that this process sends again and again.

        The server keeps its plan, which for a statement of many parts takes longer to make than to
        follow; under another search path the server makes a new one by itself.
        """
        self.count += 1
        connection = self._cursor.connection
        before, connection.prepare_threshold = connection.prepare_threshold, 0
        try:
            return self._cursor.execute(statement, parameters, prepare=True).fetchall()
        finally:
            connection.prepare_threshold = before

    def run(self, statement: str, parameters: Parameters = ()) -> int:
        """Run a statement without a result; returns how many rows it touched."""
        self.count += 1
        return self._cursor.execute(statement, parameters).rowcount


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[str]:
    """Turn rows into one array for each column, as `unnest` wants them."""
    turned = [array(column) for column in zip(*rows, strict=True)]
    return turned or ["{}"] * width


def array(values: Iterable[Any]) -> str:
    """Return values as the text of a PostgreSQL array; bind it with a cast.

    psycopg's own lists are escaped item by item in Python, which was a fifth of a batch's time.
    """
    found = list(values)
    kinds = set(map(type, found))
    if len(kinds) == 1:
        return "{" + _PLURALS[kinds.pop()](found) + "}"
    return "{" + ",".join([_FORMS[type(value)](value) for value in found]) + "}"


def _texts(values: list[str]) -> str:
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * len(values) - 2:
        return ",".join(map(_quoted, values))
    return f'"{joined}"'


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_FORMS: dict[type, Callable[[Any], str]] = {
    str: _quoted,
    int: str,
    bool: str,
    type(None): lambda _: "NULL",
    bytes: lambda value: '"\\\\x' + value.hex() + '"',
    datetime: lambda value: '"' + value.isoformat() + '"',
    UUID: str,
}
_PLURALS: dict[type, Callable[[Any], str]] = {
    str: _texts,
    int: lambda values: ",".join(map(str, values)),
    bool: lambda values: ",".join(map(str, values)),
    type(None): lambda values: ",".join(["NULL"] * len(values)),
    bytes: lambda values: ",".join([_FORMS[bytes](value) for value in values]),
    datetime: lambda values: '"' + '","'.join([value.isoformat() for value in values]) + '"',
    UUID: lambda values: ",".join(map(str, values)),
}
