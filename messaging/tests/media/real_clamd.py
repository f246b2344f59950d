"""A clamd as Debian packs it, with one signature: for machines that have one (`clamav-daemon`)."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from evosense.local.system import free_port
from messaging.tests.media.clamd import EICAR

PROGRAM = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin:/usr/local/sbin")


class RealClamd:
    """`limits` are lines of clamd.conf; listens on TCP and on a socket in `folder` alike."""

    def __init__(self, folder: Path, **limits: str) -> None:
        self._port = free_port()
        self._path = folder / "clamd.ctl"
        signatures = folder / "signatures"
        signatures.mkdir()
        # name : any kind of file : anywhere : these bytes
        (signatures / "ours.ndb").write_text(f"Eicar-Test-Signature:0:*:{EICAR.hex()}\n")
        lines = {
            "DatabaseDirectory": str(signatures),
            "LocalSocket": str(self._path),
            "TCPSocket": str(self._port),
            "TCPAddr": "127.0.0.1",
            "Foreground": "yes",
            **limits,
        }
        settings = folder / "clamd.conf"
        settings.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
        self._process = subprocess.Popen(
            [str(PROGRAM), "-c", str(settings)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def addresses(self) -> dict[str, str]:
        return {"tcp": f"tcp://127.0.0.1:{self._port}", "unix": f"unix://{self._path}"}

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while not self._is_up():
            assert time.monotonic() < deadline, "clamd did not start"
            assert self._process.poll() is None, "clamd ended"
            time.sleep(0.05)

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _is_up(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 5) as link:
            link.sendall(b"zPING\0")
            return self._path.exists() and link.recv(10) == b"PONG\0"
        return False


@contextmanager
def running_real_clamd(folder: Path, **limits: str) -> Iterator[RealClamd]:
    """Yield a clamd that answers."""
    daemon = RealClamd(folder, **limits)
    try:
        daemon.wait()
        yield daemon
    finally:
        daemon.kill()
