"""The tables of a tenant's schema as an archive carries them: COPY text, one row a line, by key.

Which tables and columns there are is asked of the database, so that nothing can be forgotten; what
is special about a column is asked of the models:

- encrypted columns travel readable (the file itself is encrypted) and are encrypted again where
  they arrive, under that house's keys and for that tenant;
- columns of user ids are translated by e-mail, because users belong to an installation;
- ids of raw events follow the raw events, or become null when those stay behind.
"""

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.conf import settings

from evosense.core.crypto import decrypt, encrypt
from evosense.core.schema import current_tenant, database_cursor
from evosense.core.sealed import sealed_columns
from tenancy.archive import errors

NULL = b"\\N"
_BOOKKEEPING = "django_migrations"
_NAMES = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")
# What people type in and never see again; left out of archives made for download.
_SECRETS = re.compile(r"(api_key|secret|token|password)")
_COLUMNS = """
SELECT c.relname, a.attname, coalesce(k.place, 0), a.attidentity <> '', NOT a.attnotnull,
       a.atttypid IN ('bigint'::regtype, 'integer'::regtype, 'smallint'::regtype)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
LEFT JOIN LATERAL (
    SELECT p.place FROM unnest(i.indkey::int[]) WITH ORDINALITY AS p (number, place)
    WHERE p.number = a.attnum
) k ON true
WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attgenerated = '' AND c.relname <> %s
ORDER BY c.relname, a.attnum
"""
Change = Callable[[bytes], bytes]


@dataclass
class Table:
    """One table: what is copied, in which order its rows come and how its cells change."""

    name: str
    columns: list[str] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    identity: str = ""
    nullable: set[str] = field(default_factory=set)
    numeric: set[str] = field(default_factory=set)


def tables_of(schema_name: str) -> dict[str, Table]:
    """Return the tables of a schema by name, in the order of their names."""
    found: dict[str, Table] = {}
    with database_cursor() as cursor:
        cursor.execute(_COLUMNS, [schema_name, _BOOKKEEPING])
        for name, column, place, is_identity, is_nullable, is_numeric in cursor.fetchall():
            table = found.setdefault(name, Table(name))
            table.columns.append(column)
            if place:
                table.key.append(column)
            if is_identity:
                table.identity = column
            table.nullable |= {column} if is_nullable else set()
            table.numeric |= {column} if is_numeric else set()
    for table in found.values():
        table.key = table.key or table.columns
    return found


@dataclass(frozen=True)
class Special:
    """Columns, as (table, column), that the models know more about than the database."""

    # With the place that their ciphertexts are bound to.
    encrypted: Mapping[tuple[str, str], str]
    users: frozenset[tuple[str, str]]
    raw_events: frozenset[tuple[str, str]]

    def secrets(self) -> frozenset[tuple[str, str]]:
        return frozenset(place for place in self.encrypted if _SECRETS.search(place[1]))


@lru_cache(maxsize=1)
def special_columns() -> Special:
    """Find them in the models of the tenant apps; a new field is covered by its type or name."""
    sealed = sealed_columns(settings.TENANT_APPS)
    encrypted = {(one.table, one.column): one.place for one in sealed}
    users, raw_events = set(), set()
    for config in apps.get_app_configs():
        if config.name not in settings.TENANT_APPS:
            continue
        for model in config.get_models(include_auto_created=True):
            for each in model._meta.concrete_fields:  # noqa: SLF001
                place = (model._meta.db_table, str(each.column))  # noqa: SLF001
                if each.name.endswith("user_id"):
                    users.add(place)
                elif each.name == "raw_event_id":
                    raw_events.add(place)
    return Special(encrypted, frozenset(users), frozenset(raw_events))


def copy_out(
    table: Table, changes: Mapping[str, Change], cursor: Any = None
) -> Generator[bytes, None, None]:
    """Yield the rows of the active tenant's table, ordered by key, their cells changed.

    Close it when you stop early: a COPY that is left half read lets its rollback wait for ever.
    """
    rows = _read(table, cursor)
    return _changed(rows, table, changes) if changes else rows


def _read(table: Table, cursor: Any) -> Generator[bytes, None, None]:
    order = ", ".join(map(_ordered(table), table.key))
    query = (
        f"COPY (SELECT {_list(table.columns)} FROM {qualified(table.name)} ORDER BY {order})"  # noqa: S608
        " TO STDOUT"
    )
    with cursor or database_cursor() as own, own.copy(query) as copy:
        for row in copy:
            yield bytes(row)


def _ordered(table: Table) -> Callable[[str], str]:
    def term(column: str) -> str:
        # Bytes decide, whatever the collation of either database.
        return quoted(column) if column in table.numeric else f'{quoted(column)}::text COLLATE "C"'

    return term


def copy_in(table: Table, columns: list[str]) -> str:
    """Return the statement that fills the active tenant's table."""
    return f"COPY {qualified(table.name)} ({_list(columns)}) FROM STDIN"


def _changed(
    rows: Generator[bytes, None, None], table: Table, changes: Mapping[str, Change]
) -> Generator[bytes, None, None]:
    places = [(table.columns.index(name), change) for name, change in changes.items()]
    with closing(rows):
        for row in rows:
            cells = row[:-1].split(b"\t")
            for place, change in places:
                cells[place] = change(cells[place])
            yield b"\t".join(cells) + b"\n"


class LineChanger:
    """Changes cells of whole lines that arrive in blocks of any size."""

    def __init__(self, columns: list[str], changes: Mapping[str, Change]) -> None:
        self._places = [(columns.index(name), change) for name, change in changes.items()]
        self._width = len(columns)
        self._rest = b""

    def feed(self, block: bytes) -> bytes:
        """Return the changed lines that are complete now."""
        if not self._places:
            return block
        *lines, self._rest = (self._rest + block).split(b"\n")
        return b"".join(self._line(line) for line in lines)

    def finish(self) -> None:
        if self._rest:
            raise errors.truncated()

    def _line(self, line: bytes) -> bytes:
        cells = line.split(b"\t")
        if len(cells) != self._width:
            raise errors.unexpected("row")
        for place, change in self._places:
            cells[place] = change(cells[place])
        return b"\t".join(cells) + b"\n"


def outgoing(table: str, columns: list[str], *, with_secrets: bool) -> dict[str, Change]:
    """Return how cells change on their way into an archive."""
    special = special_columns()
    withheld = frozenset() if with_secrets else special.secrets()
    return {
        column: _to_null if (table, column) in withheld else _decrypting(place)
        for column in columns
        if (place := special.encrypted.get((table, column)))
    }


def incoming(
    table: Table, columns: list[str], people: Mapping[int, int | None]
) -> dict[str, Change]:
    """Return how cells change on their way into a database: the reverse, and other user ids."""
    special = special_columns()
    changes: dict[str, Change] = {}
    for column in columns:
        place = (table.name, column)
        if place in special.encrypted:
            changes[column] = _encrypting(special.encrypted[place])
        elif place in special.users:
            changes[column] = _translating(people, NULL if column in table.nullable else b"0")
    return changes


def naming(table: str, columns: list[str], names: Mapping[int, str]) -> dict[str, Change]:
    """Return how cells change to be compared: user ids as e-mail, ids of raw events not at all."""
    special = special_columns()
    changes: dict[str, Change] = {}
    for column in columns:
        if (table, column) in special.users:
            changes[column] = _naming(names)
        elif (table, column) in special.raw_events:
            changes[column] = _to_null
    return changes


def escaped(text: str) -> bytes:
    """Return a text as a cell of COPY's text format."""
    plain = text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
    return plain.replace("\r", "\\r").encode()


_ESCAPES = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def unescaped(cell: bytes) -> str:
    """Return the text of a cell of COPY's text format."""
    plain = _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), cell)
    return plain.decode()


def quoted(name: str) -> str:
    """Return a name of the catalogue or of an archive as an identifier; refuse odd ones."""
    if not _NAMES.match(name):
        raise errors.unexpected(name)
    return f'"{name}"'


def qualified(name: str) -> str:
    """Return the active tenant's table, schema and all: COPY must not fall through to public."""
    return f"{quoted(current_tenant().schema_name)}.{quoted(name)}"


def _list(columns: list[str]) -> str:
    return ", ".join(quoted(column) for column in columns)


def _to_null(_cell: bytes) -> bytes:
    return NULL


def _decrypting(place: str) -> Change:
    def change(cell: bytes) -> bytes:
        # bytea in text format: \\x and hexadecimal digits.
        return cell if cell == NULL else escaped(decrypt(bytes.fromhex(cell[3:].decode()), place))

    return change


def _encrypting(place: str) -> Change:
    def change(cell: bytes) -> bytes:
        if cell == NULL:
            return cell
        return b"\\\\x" + encrypt(unescaped(cell), place).hex().encode()

    return change


def _translating(people: Mapping[int, int | None], unknown: bytes) -> Change:
    def change(cell: bytes) -> bytes:
        if cell == NULL:
            return cell
        # Never the number itself: here it may be another person's.
        known = people.get(int(cell))
        return unknown if known is None else b"%d" % known

    return change


def _naming(names: Mapping[int, str]) -> Change:
    def change(cell: bytes) -> bytes:
        known = None if cell == NULL else names.get(int(cell))
        return NULL if known is None else escaped(known)

    return change
