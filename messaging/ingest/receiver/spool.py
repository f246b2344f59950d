"""The second sink: files on local disk that take events while the database is away.

A process writes to one file of its own, under a lock that the kernel drops when it dies; whoever
gets the lock of a file may drain and delete it. Process numbers repeat across containers, so names
are random and the lock alone says who owns what.
"""

import contextlib
import fcntl
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from messaging.ingest.receiver.records import Record, encode

logger = logging.getLogger(__name__)

SUFFIX = ".spool"
UNBORN = ".new"
STALE_AFTER = 300.0


class SpoolGoneError(Exception):
    """The spool is off, full, or its disk refuses."""


@dataclass(frozen=True, slots=True)
class SpoolState:
    size: int
    oldest_seconds: float

    @property
    def is_stale(self) -> bool:
        return self.oldest_seconds > STALE_AFTER


class Spool:
    """Appends batches durably. Thread-safe; `append` blocks on the disk, so call it in a thread."""

    def __init__(self, directory: Path | None, *, limit: int, roll: int) -> None:
        self.directory = directory
        self._limit = limit
        self._roll = roll
        self._guard = threading.Lock()
        self._file: int | None = None
        self._length = 0

    def append(self, batch: list[Record]) -> None:
        """Write the batch and wait for the disk; SpoolGoneError means nothing was accepted."""
        data = b"".join(encode(record) for record in batch)
        with self._guard:
            try:
                self._append(data)
            except OSError as error:
                self._abandon()
                raise SpoolGoneError(str(error)) from error

    def seal(self) -> None:
        """Give up the current file, so that a drainer can adopt it."""
        with self._guard:
            self._close()

    def state(self) -> SpoolState:
        files = list(waiting(self.directory))
        oldest = min((_born(path) for path, _ in files), default=None)
        age = 0.0 if oldest is None else max(0.0, time.time() - oldest)
        return SpoolState(sum(size for _, size in files), age)

    def _append(self, data: bytes) -> None:
        if sum(size for _, size in waiting(self.directory)) + len(data) > self._limit:
            raise SpoolGoneError("the spool is full")
        if self._file is None:
            self._file, self._length = self._create(), 0
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        os.fdatasync(self._file)
        self._length += len(data)
        if self._length >= self._roll:
            self._close()

    def _create(self) -> int:
        if self.directory is None:
            raise SpoolGoneError("the spool is off")
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{secrets.token_hex(8)}"
        unborn = self.directory / f"{name}{UNBORN}"
        file = os.open(unborn, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            # Locked before it gets the name drainers look for: an empty file could otherwise be
            # adopted and deleted under the writer.
            fcntl.flock(file, fcntl.LOCK_EX)
            unborn.rename(unborn.with_suffix(SUFFIX))
            sync_directory(self.directory)
        except OSError:
            os.close(file)
            raise
        return file

    def _abandon(self) -> None:
        """After a failed write nothing behind the last good batch may stand before a new one."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._length)
            self._close()

    def _close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            with contextlib.suppress(OSError):
                os.close(file)


def waiting(directory: Path | None) -> Iterator[tuple[Path, int]]:
    """Yield the spool files and their sizes; nothing when the directory cannot be read."""
    if directory is None:
        return
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX):
                with contextlib.suppress(FileNotFoundError):
                    yield Path(entry.path), entry.stat().st_size


@dataclass(frozen=True, slots=True)
class SpooledFile:
    """A file of the spool folder: waiting, or set aside because a part of it cannot be stored."""

    name: str
    state: str
    size: int
    born_at: datetime


def spooled_files(directory: Path) -> list[SpooledFile]:
    """Return what lies in the folder, the oldest first; nothing when it cannot be read."""
    found = []
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            suffix = Path(entry.name).suffix
            if suffix in {SUFFIX, ".damaged", ".refused"}:
                with contextlib.suppress(FileNotFoundError):
                    born = datetime.fromtimestamp(_born(Path(entry.path)), UTC)
                    state = "waiting" if suffix == SUFFIX else suffix.removeprefix(".")
                    found.append(SpooledFile(entry.name, state, entry.stat().st_size, born))
    return sorted(found, key=lambda each: each.born_at)


@contextlib.contextmanager
def adopted(path: Path) -> Iterator[bool]:
    """Hold the file's lock for the block; False when somebody else writes or drains it."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        yield _lock(file) and _is_same(file, path)
    finally:
        os.close(file)


def discard_unborn(directory: Path | None) -> None:
    """Remove empty files of processes that died between creating and naming them."""
    if directory is None:
        return
    for path in directory.glob(f"*{UNBORN}"):
        if time.time() - _born(path) > 60:
            with contextlib.suppress(OSError):
                path.unlink()


def sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_same(file: int, path: Path) -> bool:
    """Tell whether the locked file still has its name, not just deleted by another drainer."""
    try:
        return path.stat().st_ino == os.fstat(file).st_ino
    except OSError:
        return False


def _born(path: Path) -> float:
    try:
        return int(path.name.split("-")[0]) / 1e9
    except ValueError:
        return time.time()
