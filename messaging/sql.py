"""A raw cursor whose search path is known to be this tenant's.

The hot path binds arrays on the server; Django's cursor would interpolate every value into the
text of the statement. The path is compared before each statement with what the server itself
reports of it, which costs no round trip.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.datetime import TimestamptzLoader

from evosense.core.schema import database_cursor, in_transaction, require_tenant_schema

Row = tuple[Any, ...]
Parameters = Sequence[Any] | Mapping[str, Any]

# A plan for a list that is known is cheaper by the planner's count, so it would make one each time;
# for a few rows making it takes longer than following it.
KEEP_PLANS = "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)"


class Sql:
    """Runs statements in the current transaction and tenant, and counts them."""

    def __init__(self) -> None:
        if not in_transaction():
            raise RuntimeError("apply needs the transaction that marks its events done.")
        self.count = 0
        # Whether all statements are sent as `often` sends them.
        self._keeps_plans = False
        self._schema = require_tenant_schema()
        with database_cursor() as cursor:
            # Opening Django's cursor sets the path when it is not the context's; a raw one never
            # does.
            self._connection: psycopg.Connection[Any] = cursor.connection
        self._cursor: psycopg.Cursor[Row] = psycopg.Cursor(self._connection)
        # Django's loader of times is written in Python; the server's zone is UTC anyway.
        self._cursor.adapters.register_loader("timestamptz", TimestamptzLoader)

    def rows(
        self, statement: str, parameters: Parameters = (), *, binary: bool = False
    ) -> list[Row]:
        """Return the rows; `binary` spares large bytes the way through their hexadecimal text."""
        return self._execute(statement, parameters, binary=binary).fetchall()

    def keep_plans(self) -> None:
        """Let the server keep the plans of all that follows in this transaction; for few rows."""
        self._keeps_plans = True
        self.often(KEEP_PLANS)

    def often(self, statement: str, parameters: Parameters = ()) -> list[Row]:
        """Return the rows of a statement that this process sends again and again.

        The server keeps its plan, which for a statement of many parts takes longer to make than to
        follow; under another search path the server makes a new one by itself.
        """
        cursor = self._ready()
        with self._preparing():
            return cursor.execute(statement, parameters, prepare=True).fetchall()

    def together(self, *steps: tuple[str, Parameters]) -> list[list[Row]]:
        """Return the rows of each statement, as `often`, all sent in one round trip.

        Each sees what the ones before it wrote or waited for; what fails ends the others. A
        statement without a result has no rows.
        """
        self._ready()
        self.count += len(steps) - 1
        cursors: list[psycopg.Cursor[Row]] = []
        with self._preparing(), self._connection.pipeline():
            for statement, parameters in steps:
                cursors.append(psycopg.Cursor(self._connection))
                cursors[-1].execute(statement, parameters, prepare=True)
        return [cursor.fetchall() if cursor.description else [] for cursor in cursors]

    def run(self, statement: str, parameters: Parameters = ()) -> int:
        """Run a statement without a result; returns how many rows it touched."""
        return self._execute(statement, parameters).rowcount

    def _execute(
        self, statement: str, parameters: Parameters, *, binary: bool = False
    ) -> "psycopg.Cursor[Row]":
        cursor = self._ready()
        if not self._keeps_plans:
            return cursor.execute(statement, parameters, binary=binary)
        with self._preparing():
            return cursor.execute(statement, parameters, prepare=True, binary=binary)

    def _ready(self) -> "psycopg.Cursor[Row]":
        """Return the cursor after a look at the path, whoever changed it."""
        self.count += 1
        reported = self._connection.info.parameter_status("search_path")
        # Servers before 18 do not tell unasked.
        found = reported.partition(",")[0].strip('"') if reported else self._asked()
        if found != self._schema:
            raise RuntimeError(f"search path starts with {found}, not with the tenant's schema.")
        return self._cursor

    def _asked(self) -> str:
        row = self._cursor.execute("SELECT current_schema()").fetchone()
        return str(row[0]) if row else ""

    @contextmanager
    def _preparing(self) -> Iterator[None]:
        connection = self._connection
        before, connection.prepare_threshold = connection.prepare_threshold, 0
        try:
            yield
        finally:
            connection.prepare_threshold = before


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
    float: str,
    type(None): lambda _: "NULL",
    bytes: lambda value: '"\\\\x' + value.hex() + '"',
    datetime: lambda value: '"' + value.isoformat() + '"',
    UUID: str,
}
_PLURALS: dict[type, Callable[[Any], str]] = {
    str: _texts,
    int: lambda values: ",".join(map(str, values)),
    bool: lambda values: ",".join(map(str, values)),
    float: lambda values: ",".join(map(str, values)),
    type(None): lambda values: ",".join(["NULL"] * len(values)),
    bytes: lambda values: ",".join([_FORMS[bytes](value) for value in values]),
    datetime: lambda values: '"' + '","'.join([value.isoformat() for value in values]) + '"',
    UUID: lambda values: ",".join(map(str, values)),
}
