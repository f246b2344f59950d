"""One received event on its way to the log, and its form on disk.

A spool frame is `EVS1 | payload length | CRC32 of payload | payload`; the payload is the header's
length, the header as JSON, the body, then the blobs.
"""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zlib import crc32

import orjson

PENDING, KEPT = 0, 2
MAGIC = b"EVS1"
FRAME = struct.Struct("<4sII")
LENGTH = struct.Struct("<I")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Blob(NamedTuple):
    id: UUID
    sha256: bytes
    mime: str
    content: bytes


class Record(NamedTuple):
    # Microseconds since 1970 and strictly rising inside a process: with the connection, the
    # dedupe key and the body it names the row, which makes repeated draining harmless.
    received_us: int
    tenant_id: UUID
    connection_id: UUID
    dedupe_key: bytes
    event: str
    instance: str
    lane: int
    body: bytes
    flag: str
    status: int
    blobs: tuple[Blob, ...] = ()

    @property
    def size(self) -> int:
        return len(self.body) + sum(len(blob.content) for blob in self.blobs)


def moment(received_us: int) -> datetime:
    return EPOCH + timedelta(microseconds=received_us)


def encode(record: Record) -> bytes:
    """Return one spool frame."""
    header = orjson.dumps(
        {
            "at": record.received_us,
            "tenant": record.tenant_id.hex,
            "connection": record.connection_id.hex,
            "key": record.dedupe_key.hex(),
            "event": record.event,
            "instance": record.instance,
            "lane": record.lane,
            "flag": record.flag,
            "status": record.status,
            "body": len(record.body),
            "blobs": [
                (blob.id.hex, blob.sha256.hex(), blob.mime, len(blob.content))
                for blob in record.blobs
            ],
        }
    )
    contents = b"".join(blob.content for blob in record.blobs)
    payload = b"".join((LENGTH.pack(len(header)), header, record.body, contents))
    return FRAME.pack(MAGIC, len(payload), crc32(payload)) + payload


def decode(payload: bytes) -> Record:
    """Read the payload of a frame; ValueError or KeyError when it is not one of ours."""
    start = LENGTH.size + LENGTH.unpack_from(payload)[0]
    header = orjson.loads(payload[LENGTH.size : start])
    end = start + header["body"]
    blobs = []
    place = end
    for blob_id, digest, mime, size in header["blobs"]:
        content = payload[place : place + size]
        blobs.append(Blob(UUID(blob_id), bytes.fromhex(digest), mime, content))
        place += size
    return Record(
        received_us=header["at"],
        tenant_id=UUID(header["tenant"]),
        connection_id=UUID(header["connection"]),
        dedupe_key=bytes.fromhex(header["key"]),
        event=header["event"],
        instance=header["instance"],
        lane=header["lane"],
        body=payload[start:end],
        flag=header["flag"],
        status=header["status"],
        blobs=tuple(blobs),
    )


class Reading(NamedTuple):
    """What a spool file still says: whole records, and how many places were unreadable."""

    records: list[Record]
    # Damage followed by good records was acknowledged data; a torn tail never was.
    damaged: int
    torn_tail: bool


def read_frames(data: bytes) -> Reading:
    """Read all whole frames, finding the next one behind a damaged place."""
    records: list[Record] = []
    damaged, torn, position = 0, False, 0
    while position < len(data):
        payload = _payload(data, position)
        if payload is not None:
            damaged, torn = damaged + torn, False
            records.append(decode(payload))
            position += FRAME.size + len(payload)
            continue
        torn = True
        position = data.find(MAGIC, position + 1)
        if position < 0:
            break
    return Reading(records, damaged, torn)


def _payload(data: bytes, position: int) -> bytes | None:
    if len(data) - position < FRAME.size:
        return None
    magic, length, checksum = FRAME.unpack_from(data, position)
    start = position + FRAME.size
    payload = data[start : start + length]
    if magic != MAGIC or len(payload) != length or crc32(payload) != checksum:
        return None
    return payload


def batches(records: list[Record], *, rows: int, size: int) -> Iterator[list[Record]]:
    """Split into lists of at most `rows` records and about `size` bytes, never an empty one."""
    batch: list[Record] = []
    total = 0
    for record in records:
        if batch and (len(batch) >= rows or total + record.size > size):
            yield batch
            batch, total = [], 0
        batch.append(record)
        total += record.size
    if batch:
        yield batch
