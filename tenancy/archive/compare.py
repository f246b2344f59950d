"""Comparison of what two places hold of one company, row by row, in constant memory."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from typing import Any, BinaryIO

from django.db import connections
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict
from evosense.core.schema import TenantRef, public_scope, tenant_scope
from tenancy.archive import shared, tables
from tenancy.archive.head import Head, tenant_tables
from tenancy.archive.importing import open_archive
from tenancy.archive.packing import Member
from tenancy.archive.places import data_ref
from tenancy.archive.restoring import Lines
from tenancy.archive.tables import LineChanger, Table
from tenancy.models import AuditEntry, Membership, Tenant, WebhookRoute

Rows = Iterator[bytes]


@dataclass
class Difference:
    """How many rows each side has and how many are missing or other on one of them."""

    left: int = 0
    right: int = 0
    different: int = 0


@dataclass
class Comparison:
    tables: dict[str, Difference] = field(default_factory=dict)

    @property
    def different(self) -> int:
        return sum(found.different for found in self.tables.values())

    @property
    def rows(self) -> int:
        return sum(found.left for found in self.tables.values())


def compare_tenants(left: Tenant, right: Tenant) -> Comparison:
    """Compare two companies of this installation, or one with its copy beside."""
    ours, theirs = data_ref(left), data_ref(right)
    own = tenant_tables(ours)
    _same_tables(
        {name: table.columns for name, table in own.items()},
        {name: table.columns for name, table in tenant_tables(theirs).items()},
    )
    result = Comparison()
    names = _emails(left) | _emails(right)
    with _second_connection() as second:
        for name, table in own.items():
            rows = _live(ours, table, names, with_secrets=True)
            others = _live(theirs, table, names, with_secrets=True, cursor=second())
            result.tables[name] = differing(rows, others, table)
    return result


def compare_archive(source: BinaryIO, passphrase: str, tenant: Tenant) -> Comparison:
    """Compare an archive with a company of this installation."""
    head, found = open_archive(source, passphrase)
    ref = data_ref(tenant)
    own = tenant_tables(ref)
    _same_tables(
        {name: shape["columns"] for name, shape in head.tables.items()},
        {name: table.columns for name, table in own.items()},
    )
    return _Against(head, tenant, ref, own).run(found)


def differing(left: Rows, right: Rows, table: Table) -> Difference:
    """Walk both sides, ordered by key, once."""
    key = _key_of(table)
    result = Difference()
    mine, other = next(left, None), next(right, None)
    while mine is not None or other is not None:
        order = _order(mine, other, key)
        if order <= 0:
            result.left += 1
        if order >= 0:
            result.right += 1
        result.different += order != 0 or mine != other
        mine = next(left, None) if order <= 0 else mine
        other = next(right, None) if order >= 0 else other
    return result


@dataclass
class _Against:
    """An archive on the left, a company on the right."""

    head: Head
    tenant: Tenant
    ref: TenantRef
    own: dict[str, Table]
    result: Comparison = field(default_factory=Comparison)
    _names: dict[int, str] = field(default_factory=dict)

    def run(self, found: Iterator[Member]) -> Comparison:
        seen = set()
        for folder, parts in groupby(found, key=lambda member: member.folder):
            kind, _slash, name = folder.partition("/")
            if kind == "shared":
                self._shared(name, _json_lines(parts))
            elif kind == "tables":
                seen.add(name)
                self._table(name, parts)
            else:
                for member in parts:
                    _skip(member)
        for name in self.own.keys() - seen:
            self._table(name, iter(()))
        return self.result

    def _table(self, name: str, parts: Iterator[Member]) -> None:
        table, columns = self.own[name], self.head.tables[name]["columns"]
        changer = LineChanger(columns, tables.naming(name, columns, self._names))
        left = _in_order(_rows(parts, changer), columns, table.columns)
        right = _live(self.ref, table, _emails(self.tenant), with_secrets=self.head.with_secrets)
        self.result.tables[name] = differing(left, right, table)

    def _shared(self, name: str, values: Iterator[dict[str, Any]]) -> None:
        entry = next((each for each in shared.shared_tables() if each.name == name), None)
        # A copy beside has no shared rows; a second copy has no routes and seals of its own.
        is_whole = self.tenant.id == self.ref.id == self.head.tenant_id
        is_compared = entry is not None and entry.restored and is_whole
        digests: Counter[bytes] = Counter()
        for value in values:
            if name == Membership._meta.db_table:  # noqa: SLF001
                self._names[int(value["user"]["id"])] = value["user"]["email"]
            if is_compared and entry is not None:
                digests[sha256(shared.canonical(entry, value)).digest()] += 1
        if is_compared and entry is not None:
            self.result.tables[name] = self._unmatched(entry, digests)

    def _unmatched(self, entry: shared.Shared, digests: Counter[bytes]) -> Difference:
        result = Difference(left=digests.total())
        with public_scope():
            for line in shared.lines(entry, self.tenant.id):
                result.right += 1
                digest = sha256(shared.canonical(entry, json.loads(line))).digest()
                if digests[digest]:
                    digests[digest] -= 1
                elif entry.model not in (AuditEntry, WebhookRoute):
                    # A trail goes on; routes that are taken here were left out on purpose.
                    result.different += 1
        result.different += digests.total()
        return result


def _live(
    ref: TenantRef,
    table: Table,
    names: Mapping[int, str],
    *,
    with_secrets: bool,
    cursor: Any = None,
) -> Rows:
    changes = tables.outgoing(table.name, table.columns, with_secrets=with_secrets)
    changes |= tables.naming(table.name, table.columns, names)
    with tenant_scope(ref):
        rows = tables.copy_out(table, changes, cursor)
    return _scoped(ref, rows)


def _scoped(ref: TenantRef, rows: Rows) -> Rows:
    """Take each row inside its tenant: two walk in turns, and decrypting asks who is active."""
    while True:
        with tenant_scope(ref):
            row = next(rows, None)
        if row is None:
            return
        yield row


def _rows(parts: Iterator[Member], changer: LineChanger) -> Rows:
    rest = b""
    for member in parts:
        for block in member.blocks():
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                yield changer.feed(line + b"\n")


def _in_order(rows: Rows, given: list[str], wanted: list[str]) -> Rows:
    if given == wanted:
        yield from rows
        return
    places = [given.index(column) for column in wanted]
    for row in rows:
        cells = row[:-1].split(b"\t")
        yield b"\t".join(cells[place] for place in places) + b"\n"


def _json_lines(parts: Iterator[Member]) -> Iterator[dict[str, Any]]:
    lines = Lines()
    for member in parts:
        for block in member.blocks():
            yield from lines.feed(block)


def _skip(member: Member) -> None:
    if member.name.endswith(".json"):
        member.json()
        return
    for _block in member.blocks():
        pass


def _key_of(table: Table) -> Callable[[bytes], tuple[Any, ...]]:
    places = [(table.columns.index(name), name in table.numeric) for name in table.key]

    def key(row: bytes) -> tuple[Any, ...]:
        cells = row[:-1].split(b"\t")
        return tuple(int(cells[at]) if is_number else cells[at] for at, is_number in places)

    return key


def _order(mine: bytes | None, other: bytes | None, key: Callable[[bytes], tuple[Any, ...]]) -> int:
    if mine is None or other is None:
        return 1 if mine is None else -1
    # Equal rows are the rule, and comparing bytes is far cheaper than parsing keys.
    if mine == other:
        return 0
    left, right = key(mine), key(other)
    return (left > right) - (left < right)


def _emails(tenant: Tenant) -> dict[int, str]:
    with public_scope():
        members = Membership.objects.filter(tenant_id=data_ref(tenant).id)
        return dict(members.values_list("user_id", "user__email"))


def _same_tables(left: Mapping[str, list[str]], right: Mapping[str, list[str]]) -> None:
    if {name: set(columns) for name, columns in left.items()} != {
        name: set(columns) for name, columns in right.items()
    }:
        message = _("The two have different tables: bring both to the same version first.")
        raise Conflict("compare_other_tables", message)


@contextmanager
def _second_connection() -> Iterator[Callable[[], Any]]:
    """Lend cursors of another connection: one that copies out can do nothing else meanwhile."""
    with ExitStack() as stack:
        second = connections["default"].copy("default")
        stack.callback(_close, second)
        yield second.cursor


def _close(second: Any) -> None:
    with suppress(Exception):
        second.close()
