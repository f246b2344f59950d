"""The inner layer of an archive: an ordinary tar of small members, written and read as a stream.

Long content is cut into numbered parts of a few megabytes, each compressed by itself, so neither
side holds more than one. Only plain files with our own names are accepted; nothing is ever
unpacked to a path that the archive chose.
"""

import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol

from tenancy.archive import errors

PART = 4 << 20
# A part ends with the row that fills it; rows are rarely large, never this large.
MOST_UNPACKED = 192 << 20
MOST_MEMBER = MOST_UNPACKED + (1 << 20)
_BLOCK = 512
_STEP = 1 << 20
_LEVEL = 3
_NAME = re.compile(
    r"(?:head\.json|manifest\.json|(?:shared|tables|raw|files)/[a-z0-9_]{1,63}/[0-9]{6}\.gz)\Z"
)


class Reader(Protocol):
    def read(self, size: int) -> bytes: ...


@dataclass
class Section:
    """What the manifest says of one table or file, gathered while it passes."""

    rows: int = 0
    size: int = 0
    _digest: Any = field(default_factory=hashlib.sha256, repr=False)

    def add(self, data: bytes) -> None:
        self.rows += data.count(b"\n")
        self.size += len(data)
        self._digest.update(data)

    def summary(self) -> dict[str, Any]:
        return {"rows": self.rows, "bytes": self.size, "sha256": self._digest.hexdigest()}


class Packer:
    """Writes members to a tar."""

    def __init__(self, target: io.RawIOBase) -> None:
        self._target = target
        self.sections: dict[str, Section] = {}

    def add_json(self, name: str, value: Any) -> None:
        self._member(name, json.dumps(value, ensure_ascii=False, indent=1).encode())

    def add_rows(
        self,
        folder: str,
        rows: Generator[bytes, None, None],
        tick: Callable[[int], None] | None = None,
    ) -> None:
        """Write lines as parts below `folder`; a part ends at the end of a line."""
        section = self.sections.setdefault(folder, Section())
        waiting, size, number = [], 0, 0
        # Closed when writing fails: the rollback of a COPY that is half read waits for ever.
        with closing(rows):
            for row in rows:
                waiting.append(row)
                size += len(row)
                if size >= PART:
                    number += 1
                    self._part(folder, number, b"".join(waiting), section)
                    if tick:
                        tick(len(waiting))
                    waiting, size = [], 0
        if waiting:
            self._part(folder, number + 1, b"".join(waiting), section)
            if tick:
                tick(len(waiting))

    def add_bytes(self, folder: str, source: Any) -> None:
        """Write a file's bytes as parts below `folder`."""
        section = self.sections.setdefault(folder, Section())
        number = 0
        while piece := source.read(PART):
            number += 1
            self._part(folder, number, piece, section)

    def finish(self) -> None:
        """End the tar as tar readers expect it: two empty blocks."""
        self._target.write(bytes(2 * _BLOCK))

    def _part(self, folder: str, number: int, data: bytes, section: Section) -> None:
        section.add(data)
        packed = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
        self._member(f"{folder}/{number:06d}.gz", packed.compress(data) + packed.flush())

    def _member(self, name: str, data: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), 0o600
        self._target.write(info.tobuf(tarfile.USTAR_FORMAT))
        self._target.write(data)
        self._target.write(bytes(-len(data) % _BLOCK))


@dataclass(frozen=True)
class Member:
    """One file of the tar; `blocks` must be read before the next member is asked for."""

    name: str
    size: int
    reader: Reader

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]

    def json(self) -> Any:
        """Return a small member's value."""
        if self.size > PART * 4:
            raise errors.unexpected(self.name)
        try:
            return json.loads(_exactly(self.reader, self.size))
        except ValueError as error:
            raise errors.unexpected(self.name) from error

    def blocks(self) -> Iterator[bytes]:
        """Yield the unpacked bytes in pieces of at most a megabyte, never more than a part has."""
        unpacker, total = zlib.decompressobj(31), 0
        for packed in _pieces(self.reader, self.size):
            rest = packed
            while rest and not unpacker.eof:
                try:
                    piece = unpacker.decompress(rest, _STEP)
                except zlib.error as error:
                    raise errors.unexpected(self.name) from error
                rest, total = unpacker.unconsumed_tail, total + len(piece)
                if total > MOST_UNPACKED:
                    raise errors.unexpected(self.name)
                yield piece
        while piece := unpacker.decompress(unpacker.unconsumed_tail, _STEP):
            total += len(piece)
            if total > MOST_UNPACKED:
                raise errors.unexpected(self.name)
            yield piece
        if not unpacker.eof:
            raise errors.unexpected(self.name)


def members(reader: Reader) -> Iterator[Member]:
    """Yield the members in their order; refuse whatever this EvoSense would not have written."""
    while True:
        block = reader.read(_BLOCK)
        if len(block) < _BLOCK:
            raise errors.truncated()
        if block == bytes(_BLOCK):
            # To the very end: only reading the last chunk proves that nothing is missing.
            if any(reader.read(2 * _BLOCK)) or reader.read(1):
                raise errors.unexpected("tail")
            return
        member = Member(*_parsed(block), reader)
        yield member
        _exactly(reader, -member.size % _BLOCK)


def _parsed(block: bytes) -> tuple[str, int]:
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError) as error:
        raise errors.unexpected("tar") from error
    if not info.isreg() or not _NAME.match(info.name) or not 0 <= info.size <= MOST_MEMBER:
        raise errors.unexpected(info.name)
    return info.name, info.size


def _pieces(reader: Reader, size: int) -> Iterator[bytes]:
    while size > 0:
        piece = reader.read(min(size, _STEP))
        if not piece:
            raise errors.truncated()
        size -= len(piece)
        yield piece


def _exactly(reader: Reader, size: int) -> bytes:
    data = reader.read(size)
    if len(data) < size:
        raise errors.truncated()
    return data
