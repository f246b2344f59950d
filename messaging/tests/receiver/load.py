"""A lean load generator in a process of its own: raw sockets, keep-alive, one event per request.

Prints one JSON object: requests, answers, latencies in milliseconds, and writes the ids that were
acknowledged with 200 to a file, as they come, for comparison with the database.
"""

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

MARK = b"@@@@@@@@@@@@@@@@"


def body_of(size: int, instance: str) -> bytes:
    """Return a text message of exactly `size` bytes with a place for its id."""
    event = {
        "event": "messages.upsert",
        "instance": instance,
        "data": {
            "key": {
                "remoteJid": "5511900001234@s.whatsapp.net",
                "fromMe": False,
                "id": MARK.decode(),
            },
            "pushName": "Mariana Duarte",
            "status": "DELIVERY_ACK",
            "message": {"conversation": ""},
            "messageType": "conversation",
            "messageTimestamp": 1763200330,
            "source": "android",
        },
        "destination": "https://ingest.evosense.example/hooks/evo/9f2c1b7e",
        "date_time": "2025-11-15T06:46:41.210Z",
        "sender": "5511900004200@s.whatsapp.net",
        "server_url": "https://evo.evosense.example",
        "apikey": None,
    }
    words = "bom dia, gostaria de remarcar a consulta de amanhã "
    room = size - len(json.dumps(event, ensure_ascii=False).encode())
    text = (words * (size // 20)).encode()[:room].decode(errors="ignore")
    event["data"]["message"]["conversation"] = text
    short = size - len(json.dumps(event, ensure_ascii=False).encode())
    event["data"]["message"]["conversation"] = text + "." * short
    return json.dumps(event, ensure_ascii=False).encode()


class Client(asyncio.Protocol):
    """One connection; `exchange` sends a request and returns the status, 0 when it was cut."""

    def __init__(self) -> None:
        self.transport = None
        self._answer = None
        self._buffer = b""

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        place = lower.find(b"content-length:")
        length = int(lower[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
        if len(rest) >= length:
            self._buffer = rest[length:]
            self._settle(int(head[9:12]))

    def connection_lost(self, exc) -> None:
        self.transport = None
        self._settle(0)

    def _settle(self, status: int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)

    def exchange(self, request: bytes) -> asyncio.Future:
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer


class Load:
    def __init__(self, options) -> None:
        self.options = options
        body = body_of(options.size, options.instance)
        self._before, self._after = body.split(MARK)
        self._head = (
            f"POST {options.path} HTTP/1.1\r\nHost: load\r\nContent-Type: application/json\r\n"
            f"X-EvoSense-Token: {options.token}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        self._next = 0
        self.answers: Counter = Counter()
        self.latencies: list[float] = []
        self._acknowledged = options.acknowledged and options.acknowledged.open("w", buffering=1)

    async def run(self) -> None:
        self._started = time.perf_counter()
        self._end = self._started + self.options.seconds
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop)
        await asyncio.gather(*(self._client(number) for number in range(self.options.clients)))

    def _stop(self) -> None:
        self._end = 0.0

    async def _client(self, number: int) -> None:
        pace = self.options.clients / self.options.rate if self.options.rate else 0.0
        due = self._started + pace * number / self.options.clients
        client = Client()
        while (now := time.perf_counter()) < self._end:
            if pace and due > now:
                await asyncio.sleep(due - now)
            due = max(due + pace, time.perf_counter() - pace)
            if client.transport is None and not await self._connect(client):
                await asyncio.sleep(0.05)
                continue
            await self._send(client)

    async def _connect(self, client: Client) -> bool:
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: client, "127.0.0.1", self.options.port
            )
        except OSError:
            self.answers["refused"] += 1
            return False
        return True

    async def _send(self, client: Client) -> None:
        self._next += 1
        name = f"{self.options.prefix}{self._next:0{len(MARK) - len(self.options.prefix)}d}"
        started = time.perf_counter()
        status = await client.exchange(
            b"".join((self._head, self._before, name.encode(), self._after))
        )
        self.latencies.append((time.perf_counter() - started) * 1000)
        self.answers[str(status or "cut")] += 1
        if status == 200 and self._acknowledged:
            self._acknowledged.write(f"{name}\n")

    def report(self) -> dict:
        ordered = sorted(self.latencies) or [0.0]

        def at(share: float) -> float:
            return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2)

        seconds = time.perf_counter() - self._started
        return {
            "per_second": round(self.answers["200"] / seconds, 1),
            "answers": dict(self.answers),
            "p50": at(0.5),
            "p99": at(0.99),
            "worst": at(1.0),
        }


def parse(arguments=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--token", default="")
    parser.add_argument("--instance", default="evs-1")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0.0, help="requests/s in all; 0: no pause")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--prefix", default="L")
    parser.add_argument("--acknowledged", type=Path)
    return parser.parse_args(arguments)


def main() -> None:
    options = parse()
    load = Load(options)
    asyncio.run(load.run())
    print(json.dumps(load.report()))  # noqa: T201


class Running:
    """A load generator at work beside the caller."""

    def __init__(self, directory: Path, *, port: int, path: str, **options: object) -> None:
        self._file = directory / f"acknowledged-{time.monotonic_ns()}"
        flags = {"port": port, "path": path, "acknowledged": self._file, **options}
        arguments = [part for name, value in flags.items() for part in (f"--{name}", str(value))]
        self._process = subprocess.Popen(
            [sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True
        )

    def goes_on(self, more: int = 100) -> None:
        """Wait until so many more are acknowledged: more than can be on their way at once."""
        wanted = len(self._names()) + more
        until = time.monotonic() + 60
        while len(self._names()) < wanted:
            assert time.monotonic() < until, "nothing is acknowledged any more"
            assert self._process.poll() is None
            time.sleep(0.02)

    def finish(self, *, early: bool = False) -> tuple[dict, list[str]]:
        """Wait for the end, or bring it; return the report and the acknowledged ids."""
        if early:
            self._process.terminate()
        output, _ = self._process.communicate()
        return json.loads(output), self._names()

    def _names(self) -> list[str]:
        return self._file.read_text().split() if self._file.exists() else []


if __name__ == "__main__":
    main()
