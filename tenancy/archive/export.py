"""Export of one company: one snapshot, one pass, constant memory."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.db import transaction

from evosense.core.schema import TenantRef, database_cursor, public_scope, tenant_scope
from tenancy.archive import files, shared
from tenancy.archive.head import Head, make_head, tenant_tables
from tenancy.archive.packing import Packer
from tenancy.archive.raw import raw_store
from tenancy.archive.sealed import SealingWriter, checked_passphrase
from tenancy.archive.tables import Table, copy_out, outgoing
from tenancy.models import Tenant

Tick = Callable[[int], None]
# Sequences stand outside of snapshots, so they are asked last: never behind the rows.
_SEQUENCE = "SELECT last_value, is_called FROM {}"


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    rows: int
    tables: int
    files: int
    head: Head


def export_tenant(
    tenant: TenantRef,
    target: BinaryIO,
    *,
    passphrase: str,
    with_secrets: bool = True,
    with_raw_events: bool = False,
    tick: Tick | None = None,
) -> Exported:
    """Write the archive of a tenant to `target`; call it outside of transactions.

    `tick` is told how many rows were written since it was last called. It must not use the default
    connection, whose transaction is read-only and sees only the past.
    """
    sealed = SealingWriter(target, checked_passphrase(passphrase))
    packer = Packer(sealed)
    tick = tick or _ignore
    with transaction.atomic(durable=True):
        _take_snapshot()
        with public_scope():
            row = Tenant.objects.get(pk=tenant.id)
        tables = tenant_tables(row.ref)
        head = make_head(row, tables, with_secrets=with_secrets, with_raw_events=with_raw_events)
        packer.add_json("head.json", head.as_json())
        _pack_shared(packer, row, tick)
        if with_raw_events:
            raw_store().pack(packer, row.id, tick)
        _pack_tables(packer, row.ref, tables, head, tick)
        sequences = _sequences(row.ref, tables)
    stored = _pack_files(packer, row.ref)
    packer.add_json("manifest.json", _manifest(packer, sequences))
    packer.finish()
    sealed.finish()
    rows = sum(section.rows for name, section in packer.sections.items() if _is_rows(name))
    return Exported(rows=rows, tables=len(tables), files=stored, head=head)


def estimated_rows(tenant: TenantRef) -> int:
    """Return about how many rows an export will write, at no cost."""
    with public_scope(), database_cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = %s::regnamespace",
            [tenant.schema_name],
        )
        return int(cursor.fetchone()[0])


def _take_snapshot() -> None:
    with public_scope(), database_cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def _pack_shared(packer: Packer, row: Tenant, tick: Tick) -> None:
    with public_scope():
        for entry in shared.shared_tables():
            if entry.carried:
                packer.add_rows(f"shared/{entry.name}", shared.lines(entry, row.id), tick)


def _pack_tables(
    packer: Packer, tenant: TenantRef, tables: dict[str, Table], head: Head, tick: Tick
) -> None:
    with tenant_scope(tenant):
        for table in tables.values():
            changes = outgoing(table.name, table.columns, with_secrets=head.with_secrets)
            packer.add_rows(f"tables/{table.name}", copy_out(table, changes), tick)


def _pack_files(packer: Packer, tenant: TenantRef) -> int:
    """Write which number stands for which name, then the bytes of each."""
    names = [(f"{number:08d}", name) for number, name in enumerate(files.names_of(tenant.id), 1)]
    index = (json.dumps({"number": number, "name": name}) for number, name in names)
    packer.add_rows("files/index", (line.encode() + b"\n" for line in index))
    for number, name in names:
        # One that was deleted since it was listed is missing here as well.
        with suppress(FileNotFoundError), files.open_file(tenant.id, name) as content:
            packer.add_bytes(f"files/{number}", content)
    return len(names)


def _sequences(tenant: TenantRef, tables: dict[str, Table]) -> dict[str, int]:
    """Return the next value of each table's identity column."""
    found = {}
    with tenant_scope(tenant), database_cursor() as cursor:
        for table in tables.values():
            if table.identity:
                cursor.execute(
                    "SELECT pg_get_serial_sequence(%s, %s)",
                    [f'"{tenant.schema_name}"."{table.name}"', table.identity],
                )
                cursor.execute(_SEQUENCE.format(cursor.fetchone()[0]))
                last, is_called = cursor.fetchone()
                found[table.name] = last + int(is_called)
    return found


def _manifest(packer: Packer, sequences: dict[str, int]) -> dict[str, Any]:
    sections = {name: section.summary() for name, section in packer.sections.items()}
    return {"sections": sections, "sequences": sequences}


def _is_rows(folder: str) -> bool:
    return not folder.startswith("files/")


def _ignore(_rows: int) -> None:
    pass
