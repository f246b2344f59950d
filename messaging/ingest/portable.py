"""Raw events of one company on their way into an archive, out of one, or out of the house.

The log is partitioned by day and has no index by company; every row of a company came through one
of its routes, and `webhook_events_recent` finds the rows of a route.
"""

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from uuid import UUID

from evosense.core.schema import database_cursor, public_scope
from tenancy.archive import errors, tables
from tenancy.archive.packing import Packer
from tenancy.archive.raw import RawStore
from tenancy.models import WebhookRoute

_EVENT = (
    "id, received_at, connection_id, dedupe_key, event, instance, lane, body, flag, status,"
    " attempts, next_attempt_at, processed_at, processing_time_ms, error_message, blob_id"
)
_BLOB = "id, received_at, sha256, mime, size, content"
_BODY, _BLOB_ID = 7, 15
_FOLDERS = {"events": ("import_raw", _EVENT), "blobs": ("import_blobs", _BLOB)}
# A blob is known by its id and the moment of its event: an id alone could be typed by anybody.
_NAMED = re.compile(rb'"\$blob"\s*:\s*"([0-9a-f-]{32,36})"')
_PURGED_AT_ONCE = 2_000
_PENDING = """
DELETE FROM public.webhook_events WHERE (received_at, id) IN (
    SELECT received_at, id FROM public.webhook_events
    WHERE status = 0 AND tenant_id = %s LIMIT %s)
"""
_OF_A_ROUTE = """
SELECT received_at, id FROM public.webhook_events
WHERE connection_id = %s AND tenant_id = %s ORDER BY id DESC LIMIT %s
"""
_NAMES_BLOBS = """
SELECT e.received_at, e.body FROM public.webhook_events e
JOIN unnest(%s::timestamptz[], %s::bigint[]) AS t (received_at, id)
  ON e.received_at = t.received_at AND e.id = t.id
WHERE e.blob_id IS NOT NULL
"""
_DELETE = """
DELETE FROM public.webhook_events e USING unnest(%s::timestamptz[], %s::bigint[])
    AS t (received_at, id)
WHERE e.received_at = t.received_at AND e.id = t.id
"""
_DELETE_BLOBS = """
DELETE FROM public.webhook_blobs b USING unnest(%s::timestamptz[], %s::uuid[])
    AS t (received_at, id)
WHERE b.received_at = t.received_at AND b.id = t.id
"""
_Place = tuple[object, UUID]


def pack(packer: Packer, tenant_id: UUID, tick: Callable[[int], None]) -> None:
    """Write the company's events, then the media that they name."""
    blobs: list[tuple[str, UUID]] = []
    packer.add_rows("raw/events", _events(tenant_id, blobs), tick)
    packer.add_rows("raw/blobs", _blobs(blobs), tick)


def _events(tenant_id: UUID, blobs: list[tuple[str, UUID]]) -> Generator[bytes, None, None]:
    routes = _routes(tenant_id)
    # Ids from our own rows, never text of a stranger.
    wanted = ", ".join(f"'{route}'" for route in routes) or "NULL"
    query = (
        f"COPY (SELECT {_EVENT} FROM public.webhook_events"  # noqa: S608
        f" WHERE connection_id IN ({wanted}) AND tenant_id = '{tenant_id}'"
        " ORDER BY received_at, id) TO STDOUT"
    )
    with public_scope(), database_cursor() as cursor, cursor.copy(query) as copy:
        for block in copy:
            row = bytes(block)
            cells = row[:-1].split(b"\t")
            if cells[_BLOB_ID] != tables.NULL:
                body = bytes.fromhex(cells[_BODY][3:].decode())
                blobs += [(cells[1].decode(), name) for name in _named(body)]
            yield row


def _blobs(places: list[tuple[str, UUID]]) -> Generator[bytes, None, None]:
    for received_at, blob_id in sorted(set(places)):
        query = (
            f"COPY (SELECT {_BLOB} FROM public.webhook_blobs"  # noqa: S608
            f" WHERE received_at = '{received_at}' AND id = '{blob_id}') TO STDOUT"
        )
        with public_scope(), database_cursor() as cursor, cursor.copy(query) as copy:
            for block in copy:
                yield bytes(block)


@contextmanager
def unpack(folder: str) -> Iterator[Callable[[bytes], None]]:
    """Take one folder's rows into a table that ends with the transaction."""
    if folder not in _FOLDERS:
        raise errors.unexpected(folder)
    table, columns = _FOLDERS[folder]
    kept = "webhook_events" if table == "import_raw" else "webhook_blobs"
    with database_cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE {table} ON COMMIT DROP AS"  # noqa: S608
            f" SELECT {columns} FROM public.{kept} WITH NO DATA"
        )
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            yield copy.write


def settle(tenant_id: UUID) -> int:
    """Give the events ids of this house, in their order, and follow them in the tenant's tables."""
    with database_cursor() as cursor:
        cursor.execute("SELECT to_regclass('pg_temp.import_raw')")
        if cursor.fetchone()[0] is None:
            return 0
        cursor.execute("ALTER TABLE import_raw ADD COLUMN new_id bigint")
        cursor.execute(
            "UPDATE import_raw SET new_id = fresh.number FROM ("
            " SELECT id, received_at,"
            "  nextval(pg_get_serial_sequence('public.webhook_events', 'id')) AS number"
            " FROM (SELECT id, received_at FROM import_raw ORDER BY id) AS ordered) AS fresh"
            " WHERE fresh.id = import_raw.id AND fresh.received_at = import_raw.received_at"
        )
        columns = _EVENT.removeprefix("id, ")
        cursor.execute(
            f"INSERT INTO public.webhook_events (id, tenant_id, {columns})"  # noqa: S608
            f" SELECT new_id, %s, {columns} FROM import_raw",
            [tenant_id],
        )
        count = int(cursor.rowcount)
        cursor.execute("SELECT to_regclass('pg_temp.import_blobs')")
        if cursor.fetchone()[0] is not None:
            cursor.execute(
                f"INSERT INTO public.webhook_blobs ({_BLOB})"  # noqa: S608
                f" SELECT {_BLOB} FROM import_blobs ON CONFLICT DO NOTHING"
            )
        for table, column in sorted(tables.special_columns().raw_events):
            name, quoted = tables.qualified(table), tables.quoted(column)
            cursor.execute(
                f"UPDATE {name} SET {quoted} = (SELECT min(new_id) FROM import_raw"  # noqa: S608
                f" WHERE import_raw.id = {name}.{quoted}) WHERE {quoted} IS NOT NULL"
            )
    return count


def purge(tenant_id: UUID) -> int:
    """Delete some events of a company with their media; 0 when there are none left."""
    with public_scope(), database_cursor() as cursor:
        for route in _routes(tenant_id):
            cursor.execute(_OF_A_ROUTE, [route, tenant_id, _PURGED_AT_ONCE])
            found = cursor.fetchall()
            if found:
                moments, ids = [list(column) for column in zip(*found, strict=True)]
                cursor.execute(_NAMES_BLOBS, [moments, ids])
                _delete_blobs(cursor.fetchall())
                cursor.execute(_DELETE, [moments, ids])
                return len(found)
        # What a receiver had on its disk when the routes were closed comes later.
        cursor.execute(_PENDING, [tenant_id, _PURGED_AT_ONCE])
        return int(cursor.rowcount)


def _delete_blobs(rows: list[tuple[object, bytes]]) -> None:
    places = [(moment, name) for moment, body in rows for name in _named(bytes(body))]
    if not places:
        return
    moments, names = [list(column) for column in zip(*places, strict=True)]
    with database_cursor() as cursor:
        cursor.execute(_DELETE_BLOBS, [moments, names])


def _named(body: bytes) -> list[UUID]:
    found = []
    for match in _NAMED.finditer(body):
        try:
            found.append(UUID(match[1].decode()))
        except ValueError:
            continue
    return found


def _routes(tenant_id: UUID) -> list[UUID]:
    with public_scope():
        routes = WebhookRoute.objects.filter(tenant_id=tenant_id).order_by("pk")
        return list(routes.values_list("pk", flat=True))


STORE = RawStore(
    tables=frozenset({"webhook_events"}), pack=pack, unpack=unpack, settle=settle, purge=purge
)
