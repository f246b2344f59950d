"""Group commit: requests wait together for one INSERT, because the disk flush is the price.

When the database fails or misses its deadline the same group goes to the spool, and a breaker keeps
the next groups away from the database until a probe in the background has seen it work.
"""

import asyncio
import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from functools import partial

import psycopg

from messaging.ingest.receiver import metrics
from messaging.ingest.receiver.config import MIB, ReceiverConfig
from messaging.ingest.receiver.link import Connection, Link, TooLateError
from messaging.ingest.receiver.records import Record
from messaging.ingest.receiver.spool import Spool, SpoolGoneError
from messaging.ingest.receiver.statements import insert, register

logger = logging.getLogger(__name__)

GROUP_ROWS = 200
GROUP_BYTES = 8 * MIB
# A group with large media gets more time than one of texts: the slowest disk we plan for.
BYTES_PER_SECOND = 16 * MIB
SPOOL_DEADLINE = 2.0
DATABASE_ERRORS = (psycopg.Error, OSError, TooLateError)


class Outcome(Enum):
    DATABASE = "database"
    SPOOL = "spool"
    GONE = "gone"


class Breaker:
    """Open while the database is avoided; closes only after a successful probe."""

    def __init__(self) -> None:
        self.is_open = False

    def open(self, reason: BaseException) -> None:
        if not self.is_open:
            logger.warning("database avoided, events go to the spool: %s", type(reason).__name__)
        self.is_open = True
        metrics.BREAKER.set(1)

    def close(self) -> None:
        if self.is_open:
            logger.warning("database is back")
        self.is_open = False
        metrics.BREAKER.set(0)


class GroupStore:
    """Stores records durably; `put` returns where a record ended up."""

    def __init__(self, config: ReceiverConfig, spool: Spool) -> None:
        self.breaker = Breaker()
        self._config = config
        self._spool = spool
        self._link = Link(config.database_url, name="evosense-receiver", prepare=register)
        self._queue: deque[tuple[Record, asyncio.Future[Outcome]]] = deque()
        self._wake = asyncio.Event()
        self._stopping = False
        self._spooling: asyncio.Future[None] | None = None
        # Its own thread: a disk that hangs must not take the threads of others.
        self._disk = ThreadPoolExecutor(1, "receiver-spool")
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._probe())]

    async def stop(self) -> None:
        """Store what is waiting, then let go of everything."""
        self._stopping = True
        self._wake.set()
        writer, probe = self._tasks
        await writer
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        await self._link.close()
        self._disk.shutdown(wait=False)

    def put(self, record: Record) -> asyncio.Future[Outcome]:
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append((record, future))
        self._wake.set()
        return future

    async def _write(self) -> None:
        while not (self._stopping and not self._queue):
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                group = self._take()
                outcome = await self._store([record for record, _ in group])
                for _, future in group:
                    if not future.done():
                        future.set_result(outcome)

    def _take(self) -> list[tuple[Record, asyncio.Future[Outcome]]]:
        group: list[tuple[Record, asyncio.Future[Outcome]]] = []
        size = 0
        while self._queue and len(group) < GROUP_ROWS and size < GROUP_BYTES:
            group.append(self._queue.popleft())
            size += group[-1][0].size
        return group

    async def _store(self, batch: list[Record]) -> Outcome:
        metrics.GROUP.observe(len(batch))
        try:
            outcome = await self._first_that_works(batch)
        except Exception:
            # The writer serves everybody; a bug with one group must not end it.
            logger.exception("a group could not be stored")
            outcome = Outcome.GONE
        metrics.STORED.labels(outcome.value).inc(len(batch))
        return outcome

    async def _first_that_works(self, batch: list[Record]) -> Outcome:
        if not self.breaker.is_open:
            try:
                await self._commit(batch)
            except psycopg.DataError as error:
                # One record is to blame, not the server: the drainer finds out which. Without the
                # message, which quotes the data.
                logger.warning("the database refused a group: %s", type(error).__name__)
            except DATABASE_ERRORS as error:
                self.breaker.open(error)
            else:
                return Outcome.DATABASE
        try:
            await self._to_disk(batch)
        except SpoolGoneError as error:
            logger.warning("event refused, no sink left: %s", error)
            return Outcome.GONE
        return Outcome.SPOOL

    async def _commit(self, batch: list[Record]) -> None:
        size = sum(record.size for record in batch)
        deadline = self._config.deadline + size / BYTES_PER_SECOND

        await self._link.run(partial(insert, batch=batch), seconds=deadline)

    async def _to_disk(self, batch: list[Record]) -> None:
        if self._spooling is not None and not self._spooling.done():
            raise SpoolGoneError("the disk hangs")
        loop = asyncio.get_running_loop()
        self._spooling = loop.run_in_executor(self._disk, self._spool.append, batch)
        done, _ = await asyncio.wait({self._spooling}, timeout=SPOOL_DEADLINE)
        if not done:
            self._spooling.add_done_callback(lambda future: future.exception())
            raise SpoolGoneError("the disk hangs")
        self._spooling.result()

    async def _probe(self) -> None:
        """While the breaker is open, look for the database at the side of the requests."""
        link = Link(self._config.database_url, name="evosense-receiver-probe")
        while True:
            await asyncio.sleep(self._config.breaker)
            if not self.breaker.is_open:
                continue
            try:
                await link.run(_write_nothing, seconds=self._config.breaker)
            except DATABASE_ERRORS:
                continue
            await link.close()
            self.breaker.close()


async def _write_nothing(connection: Connection) -> None:
    """Ask for what an insert needs: the tables, and a server that takes writes."""
    await connection.execute("SELECT FROM public.webhook_events LIMIT 0")
    cursor = await connection.execute("SELECT current_setting('transaction_read_only')")
    row = await cursor.fetchone()
    if row is None or row[0] != "off":
        raise psycopg.OperationalError("the database is read-only")
