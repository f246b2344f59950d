"""Reading and replacing ciphertexts where they are kept, row by row, whatever table they are in."""

import base64
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg import sql

from evosense.core.crypto import key_id_of, newest_head
from evosense.core.schema import current_schema, database_cursor
from evosense.core.sealed import SealedColumn

_STALE = sql.SQL(
    "SELECT {key}::text AS row_key, {value} AS sealed, {owner} AS sealed_for FROM {table}"
    " WHERE {column} IS NOT NULL AND (%(after)s = '' OR {key} > nullif(%(after)s, '')::{type})"
    " AND {is_stale} ORDER BY {key} LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED"
)
_REPLACE = sql.SQL(
    "UPDATE {table} SET {column} = %(new)s{cast}"
    " WHERE {key} = %(key)s::{type} AND {column} = %(old)s{cast}"
)
_COUNT = sql.SQL(
    "SELECT substring({column} FROM 3 FOR get_byte({column}, 1)), count(*) FROM {table}"
    " WHERE length({column}) > 1 GROUP BY 1"
)
_ALL = sql.SQL("SELECT {value} FROM {table} WHERE {column} IS NOT NULL")
_HEAD_DIFFERS = sql.SQL("substring({column} FROM 1 FOR %(length)s) <> %(head)s")


@dataclass(frozen=True, slots=True)
class Row:
    """A value as it is kept: bytes, or a JSON object as text."""

    key: str
    value: Any
    owner: UUID | None


class Shelf:
    """The ciphertexts of one column in the active schema."""

    def __init__(self, column: SealedColumn) -> None:
        self._column = column
        self._is_json = bool(column.keys)
        name = sql.Identifier(column.column)
        self._names = {
            # Never the search path: a table that is missing here may exist in the shared schema.
            "table": sql.Identifier(current_schema(), column.table),
            "column": name,
            "key": sql.Identifier(str(column.key.column)),
            "type": sql.SQL(column.key.rel_db_type(connection) or "bigint"),
            "owner": sql.Identifier(column.owner) if column.owner else sql.SQL("NULL::uuid"),
            "value": sql.SQL("{}::text").format(name) if self._is_json else name,
            "cast": sql.SQL("::jsonb") if self._is_json else sql.SQL(""),
        }
        is_stale = sql.SQL("true") if self._is_json else _HEAD_DIFFERS.format(column=name)
        self._names["is_stale"] = is_stale

    def exists(self) -> bool:
        with database_cursor() as cursor:
            cursor.execute(
                "SELECT to_regclass(format('%%I.%%I', %s::text, %s::text)) IS NOT NULL",
                [current_schema(), self._column.table],
            )
            return bool(cursor.fetchone()[0])

    def stale(self, after: str, limit: int) -> list[Row]:
        """Lock and return rows that may need the newest key, in the order of their keys."""
        head = newest_head()
        given = {"after": after, "limit": limit, "length": len(head), "head": head}
        with database_cursor() as cursor:
            cursor.execute(_STALE.format(**self._names), given)
            return [Row(key, self._kept(value), owner) for key, value, owner in cursor.fetchall()]

    def replace(self, row: Row, value: Any) -> bool:
        """Put `value` in the place of what was read; False when it is no longer that."""
        given = {"key": row.key, "old": row.value, "new": value}
        with database_cursor() as cursor:
            cursor.execute(_REPLACE.format(**self._names), given)
            return bool(cursor.rowcount)

    def count(self) -> "Counter[str]":
        """Return how many ciphertexts each key has."""
        with database_cursor() as cursor:
            if not self._is_json:
                cursor.execute(_COUNT.format(**self._names))
                rows = cursor.fetchall()
                return Counter({bytes(key).decode(errors="replace"): n for key, n in rows})
            cursor.execute(_ALL.format(**self._names))
            counted: Counter[str] = Counter()
            for (value,) in cursor.fetchall():
                self.change(value, partial(_counting, counted))
        return counted

    def change(self, value: Any, act: Callable[[bytes], bytes]) -> Any:
        """Return `value` with each ciphertext in it replaced by what `act` makes of it."""
        if not self._is_json:
            return act(value)
        before = json.loads(value)
        known = {key: _changed(before[key], act) for key in self._column.keys if key in before}
        after = before | known
        return value if after == before else json.dumps(after)

    def _kept(self, value: Any) -> Any:
        return value if self._is_json else bytes(value)


def _counting(counted: "Counter[str]", sealed: bytes) -> bytes:
    counted[key_id_of(sealed)] += 1
    return sealed


def _changed(entry: Any, act: Callable[[bytes], bytes]) -> Any:
    if isinstance(entry, list):
        return [_changed(one, act) for one in entry]
    return base64.b64encode(act(base64.b64decode(entry))).decode()
