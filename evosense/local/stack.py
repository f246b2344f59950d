"""The client side of the embedded stack: get database addresses that work until we let go."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evosense.local.home import PROJECT, Home
from evosense.local.system import StackError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACQUIRE_PATIENCE = 60.0
RELEASE_PATIENCE = 15.0
VARIABLES = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}


@dataclass(frozen=True)
class Services:
    """Addresses of the two databases, ours or the operator's."""

    database_url: str
    redis_url: str
    embedded: frozenset[str] = frozenset()

    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}


@dataclass
class Lease:
    """Our place at the guardian; while it is open the databases run."""

    home: Home
    durable: bool = True
    link: socket.socket | None = None
    child: subprocess.Popen[bytes] | None = None
    buffer: bytearray = field(default_factory=bytearray)

    def acquire(self, servers: list[str]) -> dict[str, str]:
        """Return the addresses of these servers, starting the guardian when there is none."""
        deadline = time.monotonic() + ACQUIRE_PATIENCE
        while time.monotonic() < deadline:
            if self._connect():
                answer = self._ask(op="acquire", servers=servers)
                if answer is not None:
                    return self._unwrap(answer)
                # It was on its way out: its successor will answer.
                self._hang_up()
            self._ensure_guardian()
            time.sleep(0.03)
        raise StackError(f"the databases did not start; see {self.home.logs / 'guardian.log'}")

    def guard(self, group: int) -> None:
        """Have this process group killed should we die without stopping it."""
        self._send(op="guard", group=group)

    def unguard(self, group: int) -> None:
        self._send(op="unguard", group=group)

    def release(self) -> None:
        """Let go and wait until what nobody else uses has stopped. Harmless when repeated."""
        if self.link is None:
            return
        self.link.settimeout(RELEASE_PATIENCE)
        self._ask(op="release")
        self._hang_up()
        if self.child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(0.5)

    def _unwrap(self, answer: dict[str, Any]) -> dict[str, str]:
        if answer.pop("ok"):
            return {name: str(url) for name, url in answer.items()}
        self._hang_up()
        raise StackError(str(answer["error"]))

    def _connect(self) -> bool:
        if self.link is not None:
            return True
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(ACQUIRE_PATIENCE)
        try:
            link.connect(str(self.home.guardian_socket))
        except OSError:
            link.close()
            return False
        self.link = link
        return True

    def _ensure_guardian(self) -> None:
        if self.child is not None and self.child.poll() is None:
            return
        self.home.prepare()
        command = [sys.executable, "-m", "evosense.local", "guardian"]
        if not self.durable:
            command.append("--disposable")
        with (self.home.logs / "guardian.log").open("ab") as log:
            self.child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=PROJECT,
                env={**os.environ, "EVOSENSE_HOME": str(self.home.root)},
                start_new_session=True,
            )

    def _send(self, **request: Any) -> bool:
        try:
            if self.link is not None:
                self.link.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            return False
        return self.link is not None

    def _ask(self, **request: Any) -> dict[str, Any] | None:
        """Return the guardian's answer, or None when it hung up."""
        if not self._send(**request) or self.link is None:
            return None
        while b"\n" not in self.buffer:
            try:
                chunk = self.link.recv(65536)
            except OSError:
                return None
            if not chunk:
                return None
            self.buffer += chunk
        line, _, rest = bytes(self.buffer).partition(b"\n")
        self.buffer = bytearray(rest)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _hang_up(self) -> None:
        if self.link is not None:
            self.link.close()
        self.link = None
        self.buffer.clear()


_held: dict[tuple[Path, frozenset[str]], tuple[Lease, Services]] = {}


def lease_services(home: Home, *, durable: bool = True) -> tuple[Lease, Services]:
    """Start (or join) what the environment does not provide; the caller releases the lease."""
    given = {name: os.environ.get(variable, "") for name, variable in VARIABLES.items()}
    missing = [name for name, url in given.items() if not url]
    home.prepare()
    lease = Lease(home, durable=durable)
    urls = given | lease.acquire(missing)
    return lease, Services(urls["postgres"], urls["redis"], frozenset(missing))


def ensure_services(home: Home, *, durable: bool = True) -> Services:
    """Return running services that stay up until this process ends. Repeated calls are free."""
    key = (home.root, frozenset(v for v in VARIABLES.values() if os.environ.get(v)))
    if key not in _held:
        lease, services = lease_services(home, durable=durable)
        atexit.register(lease.release)
        _held[key] = (lease, services)
    return _held[key][1]


@contextlib.contextmanager
def services(home: Home, *, durable: bool = True) -> Iterator[Services]:
    """Run a block with services; they stop afterwards unless somebody else uses them."""
    lease, found = lease_services(home, durable=durable)
    try:
        yield found
    finally:
        lease.release()
