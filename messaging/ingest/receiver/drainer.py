"""Moves spooled events into the log once the database is back.

It adopts every file that nobody holds: its own sealed ones and those of dead processes. Inserting
looks for the same row first, so a crash between commit and delete repeats nothing.
"""

import asyncio
import contextlib
import logging
from functools import partial
from pathlib import Path

import psycopg

from messaging.ingest.receiver import metrics
from messaging.ingest.receiver.link import Link
from messaging.ingest.receiver.records import Reading, Record, batches, encode, read_frames
from messaging.ingest.receiver.spool import adopted, discard_unborn, sync_directory, waiting
from messaging.ingest.receiver.statements import insert, register
from messaging.ingest.receiver.store import DATABASE_ERRORS, GROUP_BYTES, GROUP_ROWS

logger = logging.getLogger(__name__)

TIMEOUT = 60.0
DAMAGED = ".damaged"
REFUSED = ".refused"


class Drainer:
    """Empties one spool directory. Any number may run, in any number of processes."""

    def __init__(self, database_url: str, directory: Path | None) -> None:
        self._directory = directory
        self._link = Link(
            database_url,
            name="evosense-receiver-drainer",
            settings={"lock_timeout": "10s"},
            prepare=register,
        )

    async def drain(self) -> int:
        """Drain all files nobody holds and return how many records they had.

        Raises psycopg.Error, OSError or TooLateError when the database is away; what was not
        committed stays where it is.
        """
        total = 0
        for path in sorted(path for path, _ in waiting(self._directory)):
            with adopted(path) as ours:
                if ours:
                    total += await self._drain_file(path)
        if self._directory is not None and self._directory.is_dir():
            discard_unborn(self._directory)
        return total

    async def close(self) -> None:
        await self._link.close()

    async def _drain_file(self, path: Path) -> int:
        reading = read_frames(await asyncio.to_thread(path.read_bytes))
        for batch in batches(reading.records, rows=GROUP_ROWS, size=GROUP_BYTES):
            await self._insert(batch, path)
        _put_away(path, reading)
        metrics.DRAINED.inc(len(reading.records))
        return len(reading.records)

    async def _insert(self, batch: list[Record], path: Path) -> None:
        work = partial(insert, batch=batch, unknown_only=True)
        try:
            await self._link.run(work, seconds=TIMEOUT)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            if len(batch) == 1:
                await asyncio.to_thread(_keep_refused, batch[0], path, type(error).__name__)
                return
            for record in batch:
                await self._insert([record], path)


def _put_away(path: Path, reading: Reading) -> None:
    if reading.torn_tail:
        # Never acknowledged: the process died before the disk had the whole batch.
        logger.warning("spool file %s ended in a torn record", path.name)
    if reading.damaged:
        metrics.DAMAGED.inc(reading.damaged)
        kept = path.with_suffix(DAMAGED)
        logger.error("spool file %s is damaged, its bytes are kept as %s", path.name, kept.name)
        path.rename(kept)
    else:
        path.unlink(missing_ok=True)
    sync_directory(path.parent)


def _keep_refused(record: Record, path: Path, reason: str) -> None:
    """Set aside what the database will never take, so that it does not hold up the others."""
    metrics.DAMAGED.inc()
    logger.error("the database refused a spooled event (%s), kept beside the spool", reason)
    target = path.with_name(f"{path.stem}-{record.received_us}{REFUSED}")
    target.touch(mode=0o600)
    target.write_bytes(encode(record))


async def drain_once(database_url: str, directory: Path | None) -> int:
    """Drain once and disconnect: what the management command does."""
    drainer = Drainer(database_url, directory)
    try:
        return await drainer.drain()
    finally:
        with contextlib.suppress(*DATABASE_ERRORS):
            await drainer.close()
