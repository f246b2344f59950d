"""Webhooks over real sockets: connections are kept, closed ones replaced, redirects followed."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from messaging.simulator.delivery import Deliverer
from messaging.simulator.faults import Faults
from messaging.simulator.journal import Journal
from messaging.simulator.posting import Poster

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers each request with the next of `answers`; None hangs up."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                told = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
                length = int(told or 0)
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0) if self.answers else OK
                if answer is None:
                    break
                writer.write(answer.replace(b"$port", str(self.port).encode()))
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    def play(self, scene: Callable[[str], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with await asyncio.start_server(self, "127.0.0.1", 0) as server:
                self.port = server.sockets[0].getsockname()[1]
                await scene(f"http://127.0.0.1:{self.port}/hooks?x=1")

        asyncio.run(whole())


def test_one_connection_carries_many_posts():
    server = Server()

    async def scene(url: str) -> None:
        poster = Poster()
        for number in range(5):
            assert await poster.post(url, b"%d" % number, {"X-A": "b"}, 5) == 200
        poster.close()

    server.play(scene)
    assert server.connections == 1
    assert server.requests[0].startswith(b"POST /hooks?x=1 HTTP/1.1\r\n")
    assert b"X-A: b\r\n" in server.requests[0]
    assert [request[-1:] for request in server.requests] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_connection_that_ended_is_replaced():
    closing = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    server = Server(closing, None)

    async def scene(url: str) -> None:
        poster = Poster()
        assert await poster.post(url, b"", {}, 5) == 204
        with pytest.raises(ConnectionResetError):
            await poster.post(url, b"", {}, 5)
        assert await poster.post(url, b"", {}, 5) == 200
        poster.close()

    server.play(scene)
    assert server.connections == 3


def test_silence_ends_with_the_limit():
    server = Server(b"")

    async def scene(url: str) -> None:
        with pytest.raises(TimeoutError):
            await Poster().post(url, b"", {}, 0.05)

    server.play(scene)


def test_a_redirected_post_loses_its_body_and_counts_as_delivered():
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:$port/b\r\nContent-Length: 0\r\n\r\n"
    server = Server(moved, moved)

    async def scene(url: str) -> None:
        deliverer = Deliverer(Journal(), Faults(1))
        assert await deliverer._post(url, b"{}", {}, 5) == "delivered"
        await deliverer.close()

    server.play(scene)
    assert [request.split(b" ")[0] for request in server.requests] == [b"POST", b"POST", b"GET"]
