"""The real processes over a test database, for end-to-end and browser tests."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from evosense.testing.roles import KINDS, PASSWORD, made_roles
from tenancy.db.roles import RoleNames
from tools.gates import production_secrets

# For a broken house, not for a slow machine.
READY_WITHIN = 120.0


@dataclass
class House:
    """Web, ingest worker and relay, each a process that a test may kill and start again."""

    port: int
    environment: dict[str, str]
    log: Path
    owner_database: str = ""
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://alpha.localhost:{self.port}"

    def start(self, name: str) -> None:
        with self.log.open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self._command(name),
                cwd=settings.BASE_DIR,
                env=self._environment_of(name),
                stdout=log,
                stderr=log,
            )

    def kill(self, name: str) -> None:
        """End a process the hard way: no handler runs, nothing is flushed."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(20)

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(15)
        self.processes.clear()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise TimeoutError(self.log.read_text(errors="replace")[-4000:])

    def post(self, path: str, body: bytes, **headers: str) -> int:
        """Post to the receiver and return the status; 0 when nobody answered."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=body,
            headers={"Content-Type": "application/json", **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def manage(self, *arguments: str) -> Any:
        """Run a management command and return the JSON object that it prints."""
        outcome = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=self.environment | {"DATABASE_URL": self.owner_database},
            capture_output=True,
            text=True,
            check=False,
        )
        assert outcome.returncode == 0, outcome.stderr[-2000:]
        return json.loads(outcome.stdout)

    def _environment_of(self, name: str) -> dict[str, str]:
        """The tasks make companies' schemas, which is the owner's right."""
        owner = {"DATABASE_URL": self.owner_database} if name == "tasks" else {}
        return self.environment | owner

    def _command(self, name: str) -> list[str]:
        if name == "web":
            web = ["evosense.asgi:application", "--port", str(self.port), "--log-level", "warning"]
            # As `make run` starts it: pages that are still open hold up nobody.
            web += ["--timeout-graceful-shutdown", "2", "--no-proxy-headers"]
            return [sys.executable, "-m", "uvicorn", *web]
        if name == "tasks":
            tasks = ["worker", "--pool", "solo", "--loglevel", "warning", "--without-gossip"]
            return [sys.executable, "-m", "celery", "-A", "evosense", *tasks]
        # The checks read every page of the site; tests/test_deployment.py starts all with them.
        return [sys.executable, "manage.py", name, "--skip-checks"]


@contextmanager
def running_house(folder: Path, *names: str) -> Iterator[House]:
    """Start `names` (web, ingest_worker, relay) over the database of this test worker.

    The processes connect as the application's role, as in production: what its rights or row-level
    security forbid fails here. Management commands run as the owner.
    """
    roles = RoleNames(*(f"{connection.settings_dict['NAME']}_{kind}" for kind in KINDS))
    house = House(port=_free_port(), environment={}, log=folder / "house.log")
    house.environment = _environment(folder, house.port, database_url(roles.app, PASSWORD))
    house.owner_database = database_url(roles.owner, PASSWORD)
    with made_roles(roles):
        try:
            for name in names:
                house.start(name)
            house.wait_until_ready()
            yield house
        finally:
            house.stop()


def database_url(role: str = "", password: str = "") -> str:
    """Return the address of this test worker's database, for processes of their own."""
    given = urlsplit(os.environ["DATABASE_URL"])
    place = f"{role}:{password}@{given.netloc.rpartition('@')[2]}" if role else given.netloc
    return given._replace(netloc=place, path=f"/{connection.settings_dict['NAME']}").geturl()


def production_environment(database: str) -> dict[str, str]:
    """Return what an operator sets, for processes under the production settings."""
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        **production_secrets(),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DJANGO_SETTINGS_MODULE": "evosense.settings.base",
        "DATABASE_URL": database,
        "REDIS_URL": settings.REDIS_URL,
        "EMAIL_URL": "smtp://127.0.0.1:9",
        "EMAIL_FROM": "EvoSense <nao-responda@app.example.com>",
    }


def _environment(folder: Path, port: int, database: str) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "evosense.settings.dev",
        "DATABASE_URL": database,
        "REDIS_URL": settings.REDIS_URL,
        "PORT": str(port),
        "PUBLIC_HOST": "localhost",
        "PUBLIC_PORT": str(port),
        "RECEIVER_SPOOL_DIR": str(folder / "spool"),
        "MEDIA_ROOT": str(folder / "media"),
        "LOG_LEVEL": "INFO",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
