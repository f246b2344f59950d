"""What the embedded PostgreSQL and Redis have in common: start, wait, stop, never twice."""

from __future__ import annotations

import abc
import contextlib
import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from evosense.local.system import StackError, child_setup, clear_orphans

if TYPE_CHECKING:
    import pwd
    from pathlib import Path

    from evosense.local.home import Home

START_PATIENCE = 30.0
START_ATTEMPTS = 3
STOP_PATIENCE = 6.0
LOG_LIMIT = 20 * 1024 * 1024


class Server(abc.ABC):
    """A database server that is a child of this process and dies with it."""

    name: str
    stop_signal: signal.Signals
    # What the kernel sends when the guardian is killed: both servers shut down cleanly on it.
    death_signal: signal.Signals

    def __init__(self, home: Home, *, durable: bool = True) -> None:
        self.home = home
        self.durable = durable
        self.process: subprocess.Popen[bytes] | None = None

    @property
    @abc.abstractmethod
    def data(self) -> Path:
        """The data directory, which is also the working directory of the server's processes."""

    @property
    @abc.abstractmethod
    def url(self) -> str:
        """The address for clients, valid once started."""

    @abc.abstractmethod
    def prepare(self) -> list[str]:
        """Make the data directory and configuration ready and return the command to run."""

    @abc.abstractmethod
    def is_ready(self) -> bool:
        """Tell whether the started process accepts clients."""

    def user(self) -> pwd.struct_passwd | None:
        return None

    @property
    def log_path(self) -> Path:
        return self.home.logs / f"{self.name}.log"

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        if self.running():
            return
        clear_orphans(self.data)
        self._rotate_log()
        for attempt in range(START_ATTEMPTS):
            self.process = self._spawn(self.prepare())
            try:
                self._wait_until_ready()
            except StackError as error:
                # Another program took the port between our look and the server's bind.
                if attempt == START_ATTEMPTS - 1 or "already in use" not in str(error):
                    raise
            else:
                return

    def _rotate_log(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self.log_path.stat().st_size > LOG_LIMIT:
                shutil.move(self.log_path, self.log_path.with_suffix(".log.1"))

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.log_path.open("ab") as log:
            try:
                return subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.data,
                    preexec_fn=child_setup(self.user(), self.death_signal),  # noqa: PLW1509  no threads
                )
            except (PermissionError, subprocess.SubprocessError) as error:
                raise StackError(self._unreachable(command[0])) from error

    def _unreachable(self, binary: str) -> str:
        user = self.user()
        who = user.pw_name if user else "this user"
        return (
            f"{self.name} cannot run as {who}: {binary} or {self.data} is out of reach. "
            "Put the project and EVOSENSE_HOME where that user may read."
        )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_PATIENCE
        while not self.is_ready():
            if not self.running():
                raise StackError(f"{self.name} did not start:\n{self.last_words()}")
            if time.monotonic() > deadline:
                self.stop()
                raise StackError(
                    f"{self.name} was not ready after {START_PATIENCE:.0f} s:\n{self.last_words()}"
                )
            time.sleep(0.02)

    def last_words(self) -> str:
        try:
            lines = self.log_path.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(f"    {line}" for line in lines[-6:])

    def signal_stop(self) -> None:
        if self.process is not None and self.running():
            self.process.send_signal(self.stop_signal)

    def stop(self) -> None:
        if self.process is None:
            return
        self.signal_stop()
        try:
            self.process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None
