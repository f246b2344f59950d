"""A raw cursor whose search path is known to be this tenant's.

The hot path binds arrays on the server; Django's cursor would interpolate every value into the
text of the statement.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from evosense.core.schema import database_cursor, in_transaction, require_tenant_schema

Row = tuple[Any, ...]


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
        if found != schema:
            raise RuntimeError(f"search path starts with {found}, not with the tenant's schema.")

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        self.count += 1
        return self._cursor.execute(statement, parameters).fetchall()

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement without a result; returns how many rows it touched."""
        self.count += 1
        return self._cursor.execute(statement, parameters).rowcount


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Turn rows into one list for each column, as `unnest` wants them."""
    turned = [list(column) for column in zip(*rows, strict=True)]
    return turned or [[] for _ in range(width)]
