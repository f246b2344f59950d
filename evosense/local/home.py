"""Where the local stack keeps its data, its sockets and its secrets."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evosense.local.system import StackError

PROJECT = Path(__file__).resolve().parents[2]
DEFAULT_HOME = ".evosense"
DEFAULT_PORT = "8000"


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


SECRETS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(64),
    "EVOSENSE_DATA_KEYS": lambda: f"k1:{_random_key()}",
    "EVOSENSE_HMAC_KEY": _random_key,
    "EVOSENSE_LOCAL_PASSWORD": lambda: secrets.token_urlsafe(24),
}


@dataclass(frozen=True)
class Home:
    """One installation's directory; everything in it survives restarts."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        chosen = Path(os.environ.get("EVOSENSE_HOME") or DEFAULT_HOME).expanduser()
        return cls((PROJECT / chosen).resolve())

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def env_file(self) -> Path:
        return self.root / "env"

    @property
    def run_dir(self) -> Path:
        """Sockets live in a short path: their names may not exceed about 100 bytes."""
        digest = hashlib.sha256(str(self.root).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"evosense-{os.geteuid()}-{digest}"

    @property
    def guardian_socket(self) -> Path:
        return self.run_dir / "guardian.sock"

    def prepare(self) -> None:
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self._prepare_run_dir()
        except PermissionError as error:
            raise StackError(
                f"{self.root} cannot be written by this user ({error.strerror}: {error.filename}). "
                "Set EVOSENSE_HOME to a directory of your own."
            ) from error

    def _prepare_run_dir(self) -> None:
        # Others may pass through (the database's own user must), but not list it.
        with contextlib.suppress(FileExistsError):
            self.run_dir.mkdir(mode=0o711)
        status = self.run_dir.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise StackError(f"{self.run_dir} belongs to somebody else; remove it")
        self.run_dir.chmod(0o711)

    def secrets(self) -> dict[str, str]:
        """Return this installation's secrets, made once and never changed afterwards."""
        values = self._read_env()
        missing = {name: make() for name, make in SECRETS.items() if name not in values}
        if missing:
            values |= missing
            self._write_env(values)
        return values

    @property
    def run_file(self) -> Path:
        return self.root / "run.lock"

    def last_port(self) -> str:
        """Return where this installation answers or last did, so that `manage` prints its URLs."""
        found = ""
        with contextlib.suppress(OSError):
            found = self.run_file.read_text().partition("localhost:")[2].strip("/\n")
        return found if found.isdigit() else DEFAULT_PORT

    def _read_env(self) -> dict[str, str]:
        if not self.env_file.exists():
            return {}
        try:
            lines = self.env_file.read_text().splitlines()
        except PermissionError as error:
            raise StackError(f"{self.env_file} belongs to another user") from error
        pairs = (line.partition("=") for line in lines if "=" in line and line[0] != "#")
        return {name.strip(): value.strip() for name, _, value in pairs}

    def _write_env(self, values: dict[str, str]) -> None:
        fresh = self.env_file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.writelines(f"{name}={value}\n" for name, value in values.items())
            handle.flush()
            os.fsync(handle.fileno())
        fresh.replace(self.env_file)


def process_environment(home: Home, *, database_url: str, redis_url: str) -> dict[str, str]:
    """Return the variables every process of the house runs with; what the operator set wins."""
    defaults = home.secrets() | {
        "DJANGO_SETTINGS_MODULE": "evosense.settings.dev",
        "EVOSENSE_HOME": str(home.root),
        "RECEIVER_SPOOL_DIR": str(home.root / "spool"),
        "MEDIA_ROOT": str(home.root / "media"),
        "PORT": home.last_port(),
        "PYTHONUNBUFFERED": "1",
    }
    env = defaults | {name: value for name, value in os.environ.items() if value}
    env["DATABASE_URL"], env["REDIS_URL"] = database_url, redis_url
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
    inherited = os.environ.get("PYTHONPATH")
    env["PYTHONPATH"] = str(PROJECT) + (f"{os.pathsep}{inherited}" if inherited else "")
    return env
