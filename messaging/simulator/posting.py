"""A small client for webhooks over plain HTTP: kept connections, only the status is read.

Load tests need more webhooks a second than a full client gives beside everything else.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

AT_ONCE = 64


class Poster:
    def __init__(self) -> None:
        self._idle: dict[str, list[Connection]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def post(
        self, url: str, raw: bytes, headers: Mapping[str, str], limit: float | None
    ) -> int:
        """Return the status; raises OSError (also when `limit` seconds pass)."""
        target = urlsplit(url)
        async with self._turns:
            try:
                async with asyncio.timeout(limit):
                    return await self._exchange(target, _request(target, raw, headers))
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
                raise ConnectionResetError from error

    async def _exchange(self, target: SplitResult, request: bytes) -> int:
        reader, writer = await self._connection(target)
        try:
            writer.write(request)
            await writer.drain()
            status, may_stay = await _status(reader)
        except BaseException:
            writer.close()
            raise
        if may_stay:
            self._idle.setdefault(target.netloc, []).append((reader, writer))
        else:
            writer.close()
        return status

    async def _connection(self, target: SplitResult) -> Connection:
        idle = self._idle.get(target.netloc, [])
        while idle:
            reader, writer = idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(target.hostname, target.port or 80)

    def close(self) -> None:
        for connections in self._idle.values():
            for _, writer in connections:
                writer.close()
        self._idle.clear()


def _request(target: SplitResult, raw: bytes, headers: Mapping[str, str]) -> bytes:
    path = f"{target.path or '/'}?{target.query}" if target.query else target.path or "/"
    lines = [f"POST {path} HTTP/1.1", f"Host: {target.netloc}", f"Content-Length: {len(raw)}"]
    lines += [f"{name}: {text}" for name, text in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + raw


async def _status(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """The status, and whether the connection can carry another request."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    length, stays = None, True
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length":
            length = int(value)
        elif name == b"connection" and value.strip() == b"close":
            stays = False
    if length:
        await reader.readexactly(length)
    return status, stays and (length is not None or status == 204)
