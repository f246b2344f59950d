"""Import of one company: everything or nothing, in one pass over the file.

One transaction holds the rows, the schema and the tables; what PostgreSQL cannot take back, the
files, is deleted again when it fails.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO

import psycopg
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import DatabaseError, transaction
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from evosense.core.schema import database_cursor, public_scope, tenant_scope
from tenancy.archive import errors, files, schemas, shared, tables
from tenancy.archive.head import Head, read_head, tenant_tables
from tenancy.archive.packing import Member, Section, members
from tenancy.archive.places import Place
from tenancy.archive.raw import raw_store
from tenancy.archive.restoring import Lines, Restorer
from tenancy.archive.sealed import OpeningReader

_IN_MEMORY = 8 << 20


@dataclass
class Imported:
    """What an import stored."""

    head: Head
    place: Place
    rows: int = 0
    tables: int = 0
    files: int = 0
    raw_events: int = 0
    shared: dict[str, int] = field(default_factory=dict)
    audit_broken_at: int | None = None


def open_archive(source: BinaryIO, passphrase: str) -> tuple[Head, Iterator[Member]]:
    """Return the head and the members that follow it."""
    found = members(OpeningReader(source, passphrase))
    first = next(found, None)
    if first is None or first.name != "head.json":
        raise errors.unexpected("head.json")
    return read_head(first.json()), found


def fill(head: Head, found: Iterator[Member], place: Place) -> Imported:
    """Make the schema of `place` and everything that belongs to it; nothing stays on an error.

    `place.prepare` stores the rows that the company itself needs, in the same transaction.
    """
    script = schemas.plan_for(head)
    kept = _Kept(head, place)
    try:
        with transaction.atomic(durable=True), kept.open():
            place.prepare()
            later = schemas.make_schema(place.ref, head, script)
            kept.take_all(found)
            schemas.complete(place.ref, head, later)
            kept.settle()
            schemas.bring_up(place.ref, script)
            place.finish(kept.done)
    except BaseException as error:
        kept.delete_files()
        cause = error.__cause__ if isinstance(error, DatabaseError) else error
        if isinstance(cause, psycopg.DataError | psycopg.IntegrityError):
            raise _refused(cause) from error
        raise
    return kept.done


class _Kept:
    """The state of one import while members pass by."""

    def __init__(self, head: Head, place: Place) -> None:
        self._head, self._place = head, place
        self.done = Imported(head, place)
        self._restorer = Restorer(place.ref.id, head.tenant_id)
        self._sections: dict[str, Section] = {}
        self._open = ExitStack()
        self._folder = ""
        self._feed: Any = None
        self._names: dict[str, str] = {}
        self._stored: list[str] = []
        self._manifest: dict[str, Any] | None = None

    @contextmanager
    def open(self) -> Iterator[None]:
        """Close what a failed member left open before the transaction ends."""
        with self._open:
            yield

    def take_all(self, found: Iterator[Member]) -> None:
        for member in found:
            if self._manifest is not None:
                raise errors.unexpected(member.name)
            if member.name == "manifest.json":
                self._close()
                self._manifest = _mapping(member.json())
            else:
                self._take(member)
        if self._manifest is None:
            raise errors.truncated()
        self._check_sections(self._manifest)

    def settle(self) -> None:
        """Give identities their next values and count what has arrived."""
        sequences = (self._manifest or {}).get("sequences", {})
        own = tenant_tables(self._place.ref)
        with tenant_scope(self._place.ref), database_cursor() as cursor:
            if self._place.takes_raw_events and self._head.with_raw_events:
                self.done.raw_events = raw_store().settle(self._place.ref.id)
            else:
                _forget_raw_ids(cursor)
            for name, table in own.items():
                if table.identity and isinstance(sequences.get(name), int):
                    cursor.execute(
                        "SELECT setval(pg_get_serial_sequence(%s, %s), %s, false)",
                        [tables.qualified(name), table.identity, max(1, sequences[name])],
                    )
                cursor.execute(f"SELECT count(*) FROM {tables.qualified(name)}")  # noqa: S608
                section = self._sections.get(f"tables/{name}", Section())
                if cursor.fetchone()[0] != section.rows:
                    raise errors.altered()
                self.done.rows += section.rows
        self.done.tables = len(own)
        self.done.shared = self._restorer.counts
        self.done.audit_broken_at = self._restorer.chain_broken_at

    def delete_files(self) -> None:
        for name in self._stored:
            default_storage.delete(f"{files.folder_of(self._place.ref.id)}/{name}")

    def _take(self, member: Member) -> None:
        if member.folder != self._folder:
            self._close()
            if member.folder in self._sections:
                raise errors.unexpected(member.name)
            self._folder = member.folder
            self._sections[member.folder] = Section()
            self._feed = self._open.enter_context(self._opened(member.folder))
        section = self._sections[member.folder]
        for block in member.blocks():
            section.add(block)
            self._feed(block)

    def _close(self) -> None:
        self._open.close()
        self._folder = ""

    def _opened(self, folder: str) -> Any:
        kind, _slash, name = folder.partition("/")
        if kind == "tables":
            return self._table(name)
        if kind == "shared":
            return self._shared(name)
        if kind == "raw":
            return self._raw(name)
        return self._index() if name == "index" else self._file(name)

    @contextmanager
    def _table(self, name: str) -> Iterator[Any]:
        shape = self._head.tables.get(name)
        if shape is None:
            raise errors.unexpected(name)
        columns = shape["columns"]
        table = tenant_tables(self._place.ref).get(name)
        if table is None or set(columns) != set(table.columns):
            raise schemas.differs(self._head)
        with tenant_scope(self._place.ref), database_cursor() as cursor:
            changes = tables.incoming(table, columns, self._restorer.people)
            changer = tables.LineChanger(columns, changes)
            with cursor.copy(tables.copy_in(table, columns)) as copy:
                yield lambda block: copy.write(changer.feed(block))
                changer.finish()

    @contextmanager
    def _shared(self, name: str) -> Iterator[Any]:
        entry = next((each for each in shared.shared_tables() if each.name == name), None)
        lines = Lines()
        takes = entry is not None and entry.restored and self._place.takes_shared

        def feed(block: bytes) -> None:
            values = lines.feed(block)
            if takes and entry is not None and values:
                self._restorer.take(entry, values)

        yield feed
        lines.finish()

    @contextmanager
    def _raw(self, name: str) -> Iterator[Any]:
        if not self._place.takes_raw_events:
            yield lambda _block: None
            return
        with public_scope(), raw_store().unpack(name) as feed:
            yield feed

    @contextmanager
    def _index(self) -> Iterator[Any]:
        lines = Lines()

        def feed(block: bytes) -> None:
            for value in lines.feed(block):
                self._names[str(value.get("number"))] = files.checked_name(str(value.get("name")))

        yield feed
        lines.finish()

    @contextmanager
    def _file(self, number: str) -> Iterator[Any]:
        if number not in self._names:
            raise errors.unexpected(f"files/{number}")
        name = self._names[number]
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as content:
            yield content.write
            content.seek(0)
            replace = self._place.takes_shared
            if files.store_file(self._place.ref.id, name, File(content), replace=replace):
                self._stored.append(name)
                self.done.files += 1

    def _check_sections(self, manifest: dict[str, Any]) -> None:
        told = manifest.get("sections")
        found = {name: section.summary() for name, section in self._sections.items()}
        empty = Section().summary()
        if not isinstance(told, dict) or set(found) - set(told):
            raise errors.altered()
        for name, summary in told.items():
            if found.get(name, empty) != summary:
                raise errors.altered()


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise errors.unexpected("manifest.json")
    return value


def _forget_raw_ids(cursor: Any) -> None:
    """Empty the ids of raw events that stayed behind: here they are somebody else's."""
    for table, column in sorted(tables.special_columns().raw_events):
        name, quoted = tables.qualified(table), tables.quoted(column)
        cursor.execute(f"UPDATE {name} SET {quoted} = NULL WHERE {quoted} IS NOT NULL")  # noqa: S608


def _refused(error: psycopg.Error) -> Invalid:
    # Never PostgreSQL's text: it quotes the value, which may be somebody's message.
    where = error.diag.constraint_name or error.diag.table_name or ""
    reason = f"{type(error).__name__} {where}".strip()
    message = _("The database refuses the archive's rows: %(reason)s.") % {"reason": reason}
    return Invalid("archive_rows", message, field="file")
