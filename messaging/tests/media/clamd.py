"""A clamd of the tests: reads INSTREAM as the real one does and answers by what it was told."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Clamd:
    """`seen` holds every stream; `limit` is StreamMaxLength, `mute` answers nothing."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.seen: list[bytes] = []
        self.limit = 10**9
        self.mute = False

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.link.accept()
            except OSError:
                return
            with client:
                self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        assert _exactly(client, 10) == b"zINSTREAM\0"
        stream = b""
        while size := struct.unpack(">I", _exactly(client, 4))[0]:
            stream += _exactly(client, size)
            if len(stream) > self.limit:
                client.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                return
        self.seen.append(stream)
        if not self.mute:
            found = b"Eicar-Test-Signature FOUND" if EICAR in stream else b"OK"
            client.sendall(b"stream: " + found + b"\0")


def _exactly(client: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        part = client.recv(size - len(got))
        if not part:
            raise ConnectionError
        got += part
    return got


@contextmanager
def running_clamd(path: Path | None = None) -> Iterator[tuple[str, Clamd]]:
    """Listen on TCP, or on a socket in the file system; yields the address for the settings."""
    link = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    link.bind(str(path) if path else ("127.0.0.1", 0))
    link.listen()
    daemon = Clamd(link)
    threading.Thread(target=daemon.serve, daemon=True).start()
    try:
        yield (f"unix://{path}" if path else f"tcp://127.0.0.1:{link.getsockname()[1]}"), daemon
    finally:
        link.close()
