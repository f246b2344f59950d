"""The process that owns the databases of one home for as long as anybody needs them.

Clients (`make run`, `make manage`, a test session) hold a lease: an open connection to the
guardian's socket. The kernel closes it however the client ends, so the count is always right. When
the last lease is gone the databases are shut down cleanly and the guardian ends. A client may also
name process groups; those that are left when its lease ends are killed. Should the guardian itself
be killed, the kernel stops its databases.

Requests and answers are one JSON object a line:
    {"op": "acquire", "servers": ["postgres", "redis"]}  ->  {"ok": true, "postgres": url, ...}
    {"op": "guard", "group": 123}, {"op": "unguard", "group": 123}     (no answer)
    {"op": "release"}  ->  {"ok": true}, after everything that had to stop has stopped
"""

from __future__ import annotations

import contextlib
import json
import logging
import selectors
import shutil
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evosense.local.postgres import Postgres
from evosense.local.redis import Redis
from evosense.local.system import StackError, file_lock, kill_group

if TYPE_CHECKING:
    from types import FrameType

    from evosense.local.home import Home
    from evosense.local.servers import Server

FIRST_LEASE_PATIENCE = 15.0
PREDECESSOR_PATIENCE = 20.0
GROUP_PATIENCE = 2.0
TICK = 0.5

logger = logging.getLogger(__name__)


@dataclass
class Lease:
    """One connected client."""

    link: socket.socket
    buffer: bytes = b""
    acquired: bool = False
    groups: set[int] = field(default_factory=set)

    def answer(self, **values: Any) -> None:
        with contextlib.suppress(OSError):
            self.link.sendall(json.dumps(values).encode() + b"\n")


class Guardian:
    """Single-threaded on purpose: the kernel ties a child's death signal to the parent thread."""

    def __init__(self, home: Home, *, durable: bool) -> None:
        self.servers: dict[str, Server] = {
            "postgres": Postgres(home, durable=durable),
            "redis": Redis(home, durable=durable),
        }
        self.wanted: set[str] = set()
        self.leases: dict[socket.socket, Lease] = {}
        self.selector = selectors.DefaultSelector()
        self.listener = self._listen(home)
        self.idle_since = time.monotonic()
        self.served = False
        self.stopping = False

    def _listen(self, home: Home) -> socket.socket:
        path = home.guardian_socket
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(64)
        listener.settimeout(0)
        self.selector.register(listener, selectors.EVENT_READ)
        return listener

    def run(self) -> None:
        for sig in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(sig, self._on_signal)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            while not self._finished():
                for key, _ in self.selector.select(TICK):
                    self._handle(key.fileobj)
                self._revive()
        finally:
            self._shut_down()

    def _on_signal(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _finished(self) -> bool:
        if self.stopping:
            return True
        if self.leases:
            return False
        return self.served or time.monotonic() - self.idle_since > FIRST_LEASE_PATIENCE

    def _handle(self, source: Any) -> None:
        if source is self.listener:
            link, _ = self.listener.accept()
            self.leases[link] = Lease(link)
            self.selector.register(link, selectors.EVENT_READ)
            return
        lease = self.leases[source]
        try:
            chunk = lease.link.recv(65536)
        except OSError:
            chunk = b""
        if not chunk:
            self._drop(lease)
            return
        *lines, lease.buffer = (lease.buffer + chunk).split(b"\n")
        for line in lines:
            self._execute(lease, json.loads(line))

    def _execute(self, lease: Lease, request: dict[str, Any]) -> None:
        match request["op"]:
            case "acquire":
                self._acquire(lease, request["servers"])
            case "guard":
                lease.groups.add(int(request["group"]))
            case "unguard":
                lease.groups.discard(int(request["group"]))
            case "release":
                self._drop(lease)

    def _acquire(self, lease: Lease, names: list[str]) -> None:
        try:
            for name in names:
                self.servers[name].start()
        except StackError as error:
            logger.warning("cannot start: %s", error)
            lease.answer(ok=False, error=str(error))
            return
        self.served = lease.acquired = True
        self.wanted |= set(names)
        lease.answer(ok=True, **{name: self.servers[name].url for name in names})

    def _drop(self, lease: Lease) -> None:
        """End a lease; the last one answers only when the databases are down."""
        self.selector.unregister(lease.link)
        del self.leases[lease.link]
        end_groups(lease.groups)
        if not self.leases:
            self.idle_since = time.monotonic()
            if self.served:
                self._shut_down()
        lease.answer(ok=True)
        lease.link.close()

    def _revive(self) -> None:
        """Start a database again that died on its own; clients reconnect to the same port."""
        for name in self.wanted if self.leases else ():
            server = self.servers[name]
            if not server.running():
                logger.error("%s died and is started again", name)
                try:
                    server.start()
                except StackError:
                    logger.exception("%s cannot be started again", name)

    def _shut_down(self) -> None:
        # No new client may come in: it would get addresses of servers that are going away.
        if self.listener.fileno() >= 0:
            self.selector.unregister(self.listener)
            self.listener.close()
        for lease in self.leases.values():
            end_groups(lease.groups)
        for server in self.servers.values():
            server.signal_stop()
        for server in self.servers.values():
            server.stop()


def end_groups(groups: set[int]) -> None:
    """Ask process groups to end, then make them."""
    deadline = time.monotonic() + GROUP_PATIENCE
    remaining = {group for group in groups if kill_group(group, signal.SIGTERM)}
    while remaining and time.monotonic() < deadline:
        time.sleep(0.05)
        remaining = {group for group in remaining if kill_group(group, 0)}
    for group in remaining:
        kill_group(group, signal.SIGKILL)


def main(home: Home, *, durable: bool) -> int:
    """Guard this home; leave quietly when somebody else already does."""
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s guardian %(message)s", level="INFO")
    home.prepare()
    try:
        # A predecessor on its way out still holds the lock while its databases stop.
        with file_lock(home.run_dir / "guardian.lock", wait=PREDECESSOR_PATIENCE):
            Guardian(home, durable=durable).run()
            if not durable:
                # Here, because a killed test session cannot tidy up memory it left behind.
                for directory in (home.root, home.run_dir):
                    shutil.rmtree(directory, ignore_errors=True)
    except TimeoutError:
        return 1
    return 0
