"""The statements that write the bronze log, and their parameters as ready binary arrays.

One statement is one round trip and one transaction: blobs, events and the wake-up of the workers.
psycopg encodes lists item by item in Python; packing the array format directly costs a third.
"""

import struct
from collections.abc import Sequence
from typing import Any, ClassVar

from psycopg import sql
from psycopg.adapt import Dumper
from psycopg.pq import Format

from messaging.ingest.receiver.link import Connection
from messaging.ingest.receiver.records import Record

# PostgreSQL counts microseconds from 2000-01-01.
EPOCH_SHIFT = 946_684_800_000_000
_HEAD = struct.Struct("!iiIii")
_LENGTH = struct.Struct("!i")


class PackedArray:
    """A one-dimensional array in PostgreSQL's binary format."""

    element = 0
    array = 0

    def __init__(self, items: Sequence[bytes | None]) -> None:
        pack = _LENGTH.pack
        parts = [_HEAD.pack(1, int(None in items), self.element, len(items), 1)] if items else []
        for item in items:
            parts += (b"\xff\xff\xff\xff",) if item is None else (pack(len(item)), item)
        self.data = b"".join(parts) if items else struct.pack("!iiI", 0, 0, self.element)


class Bytes(PackedArray):
    element, array = 17, 1001


class Texts(PackedArray):
    element, array = 25, 1009


class Uuids(PackedArray):
    element, array = 2950, 2951


class Shorts(PackedArray):
    element, array = 21, 1005


class Moments(PackedArray):
    element, array = 1184, 1185


class _PackedDumper(Dumper):
    format = Format.BINARY
    kind: ClassVar[type[PackedArray]]

    def dump(self, obj: Any) -> bytes:
        data: bytes = obj.data
        return data


def register(connection: Connection) -> None:
    """Teach the connection to send packed arrays."""
    for kind in (Bytes, Texts, Uuids, Shorts, Moments):
        dumper = type(f"{kind.__name__}Dumper", (_PackedDumper,), {"oid": kind.array})
        connection.adapters.register_dumper(kind, dumper)


_BLOB_COLUMNS = "id, received_at, sha256, mime, content"
_COLUMNS = (
    "received_at, tenant_id, connection_id, dedupe_key, event, instance, lane, body, flag,"
    " status, blob_id"
)
_STATEMENT = """
WITH new_blobs AS (
    INSERT INTO public.webhook_blobs ({blob_columns}, size)
    SELECT {blob_columns}, octet_length(content)
    FROM unnest(%b::uuid[], %b::timestamptz[], %b::bytea[], %b::text[], %b::bytea[])
        AS new({blob_columns})
    {unknown_blobs}
), new_events AS (
    INSERT INTO public.webhook_events ({columns})
    SELECT {columns}
    FROM unnest(%b::timestamptz[], %b::uuid[], %b::uuid[], %b::bytea[], %b::text[], %b::text[],
                %b::smallint[], %b::bytea[], %b::text[], %b::smallint[], %b::uuid[])
        WITH ORDINALITY AS new({columns}, place)
    {unknown_events}
    ORDER BY place
)
SELECT pg_notify('ingest', '')
"""


def _statement(unknown_blobs: str, unknown_events: str) -> sql.SQL:
    return sql.SQL(
        _STATEMENT.format(
            columns=_COLUMNS,
            blob_columns=_BLOB_COLUMNS,
            unknown_blobs=unknown_blobs,
            unknown_events=unknown_events,
        )
    )


INSERT = _statement("", "")
# For the drainer, which may see a record again: after a crash between its commit and its delete,
# or when a commit that missed its deadline arrived after all.
INSERT_UNKNOWN = _statement(
    "WHERE NOT EXISTS (SELECT FROM public.webhook_blobs AS old"
    " WHERE old.received_at = new.received_at AND old.id = new.id)",
    "WHERE NOT EXISTS (SELECT FROM public.webhook_events AS old"
    " WHERE old.received_at = new.received_at AND old.connection_id = new.connection_id"
    " AND old.dedupe_key = new.dedupe_key AND old.body = new.body)",
)


async def insert(
    connection: Connection, batch: list[Record], *, unknown_only: bool = False
) -> None:
    """Write the batch in one transaction and wake the workers."""
    statement = INSERT_UNKNOWN if unknown_only else INSERT
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(statement, parameters(batch), prepare=True)


def parameters(batch: list[Record]) -> tuple[PackedArray, ...]:
    moment = struct.Struct("!q").pack
    short = struct.Struct("!h").pack
    blobs = [(record.received_us, blob) for record in batch for blob in record.blobs]
    return (
        Uuids([blob.id.bytes for _, blob in blobs]),
        Moments([moment(at - EPOCH_SHIFT) for at, _ in blobs]),
        Bytes([blob.sha256 for _, blob in blobs]),
        Texts([blob.mime.encode() for _, blob in blobs]),
        Bytes([blob.content for _, blob in blobs]),
        Moments([moment(record.received_us - EPOCH_SHIFT) for record in batch]),
        Uuids([record.tenant_id.bytes for record in batch]),
        Uuids([record.connection_id.bytes for record in batch]),
        Bytes([record.dedupe_key for record in batch]),
        Texts([record.event.encode() for record in batch]),
        Texts([record.instance.encode() for record in batch]),
        Shorts([short(record.lane) for record in batch]),
        Bytes([record.body for record in batch]),
        Texts([record.flag.encode() for record in batch]),
        Shorts([short(record.status) for record in batch]),
        Uuids([record.blobs[0].id.bytes if record.blobs else None for record in batch]),
    )
