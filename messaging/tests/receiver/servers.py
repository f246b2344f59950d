"""Real servers that tests and the benchmark may kill: a durable PostgreSQL and the receiver."""

import contextlib
import http.client
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from evosense.local.postgres import binaries
from evosense.local.system import child_setup, free_port, processes_in, server_user

ROOT = Path(__file__).resolve().parents[3]
ROUTES = """
CREATE TABLE public.tenancy_webhookroute (
    id uuid PRIMARY KEY, tenant_id uuid NOT NULL, instance text NOT NULL,
    token_hash bytea NOT NULL, previous_token_hash bytea, previous_valid_until timestamptz,
    is_active boolean NOT NULL DEFAULT true
)
"""


class Cluster:
    """A PostgreSQL of our own, because other tests must not feel the kills."""

    def __init__(self, directory: Path) -> None:
        self.data = directory / "pg"
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self._user = server_user(self.data)
        self.data.mkdir(mode=0o700)
        if self._user:
            os.chown(self.data, self._user.pw_uid, self._user.pw_gid)
        self._run(
            "initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust", "-N", "-E", "UTF8"
        )
        self.start()

    def start(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "shared_buffers": "64MB",
            "fsync": "on",
        }
        flags = [part for pair in options.items() for part in ("-c", "{}={}".format(*pair))]
        with (self.data.parent / "pg.log").open("a") as log:
            subprocess.Popen(
                [str(binaries() / "postgres"), "-D", str(self.data), *flags],
                stdout=log,
                stderr=log,
                cwd="/",
                preexec_fn=child_setup(self._user),  # noqa: PLW1509 - PostgreSQL refuses root
            )
        wait_until(self.answers)

    def answers(self) -> bool:
        with contextlib.suppress(psycopg.Error), psycopg.connect(self.url, connect_timeout=2):
            return True
        return False

    def signal(self, number: signal.Signals) -> None:
        for pid in processes_in(self.data):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """End every process of the server without a chance to tidy up."""
        self.signal(signal.SIGKILL)
        wait_until(lambda: not _alive(processes_in(self.data)))
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def destroy(self) -> None:
        self.signal(signal.SIGCONT)
        self.kill()
        shutil.rmtree(self.data, ignore_errors=True)

    def create_tables(self) -> None:
        bronze = importlib.import_module("messaging.ingest.migrations.0001_bronze_log")
        self.execute(
            "DROP TABLE IF EXISTS webhook_events, webhook_blobs, tenancy_webhookroute",
            bronze.EVENTS,
            "CREATE TABLE webhook_events_default PARTITION OF webhook_events DEFAULT",
            bronze.WAITING,
            "CREATE INDEX webhook_events_recent ON webhook_events (connection_id, id DESC)",
            bronze.BLOBS,
            "CREATE TABLE webhook_blobs_default PARTITION OF webhook_blobs DEFAULT",
            ROUTES,
        )

    def execute(self, *statements: str, **values: object) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement, values)

    def rows(self, query: str, **values: object) -> list[tuple]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query, values).fetchall()

    def add_route(self, instance: str = "evs-1", *, token: str = "") -> "Line":
        line = Line(uuid4(), uuid4(), instance, token or uuid4().hex + uuid4().hex[:11])
        self.execute(
            "INSERT INTO tenancy_webhookroute (id, tenant_id, instance, token_hash)"
            " VALUES (%(id)s, %(tenant)s, %(instance)s, %(hash)s)",
            id=line.id,
            tenant=line.tenant,
            instance=instance,
            hash=digest(line.token),
        )
        return line

    def message_ids(self) -> list[str]:
        """Return the message ids of all stored bodies, repeated ones as often as stored."""
        query = (
            "SELECT convert_from(body, 'UTF8')::jsonb #>> '{data,key,id}'"
            " FROM webhook_events WHERE flag = ''"
        )
        return [row[0] for row in self.rows(query)]

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(binaries() / program), *arguments],
            check=True,
            capture_output=True,
            cwd="/",
            preexec_fn=child_setup(self._user),
        )


@dataclass
class Line:
    """A connection as its customer knows it."""

    id: UUID
    tenant: UUID
    instance: str
    token: str

    @property
    def path(self) -> str:
        return f"/hooks/evo/{self.id}"


@dataclass
class Process:
    """A receiver in a process of its own."""

    database_url: str
    directory: Path
    environment: dict[str, str] = field(default_factory=dict)
    application: str = "messaging.ingest.receiver:application"
    port: int = 0
    _process: subprocess.Popen | None = None

    def start(self, *, wait: bool = True) -> "Process":
        self.port = self.port or free_port()
        self.directory.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": "",
            "RECEIVER_SPOOL_DIR": str(self.directory / "spool"),
            "RECEIVER_STATE_DIR": str(self.directory / "state"),
            "PYTHONPATH": str(ROOT),
            **self.environment,
        }
        with (self.directory / "receiver.log").open("a") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "uvicorn", self.application),
                    *("--port", str(self.port), "--no-access-log", "--log-level", "warning"),
                    *("--timeout-graceful-shutdown", "5"),
                ],
                env=environment,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                preexec_fn=child_setup(),  # noqa: PLW1509 - it must die with us
            )
        if wait:
            wait_until(self._is_loaded)
        return self

    @property
    def answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return bool(self.post("/hooks/evo/none", {}).status)
        return False

    def _is_loaded(self) -> bool:
        """Wait for the token table: before it is there, every POST gets 503."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.post("/hooks/evo/none", {}).status != 503
        return False

    def post(self, path: str, body: object, **headers: str) -> "Reply":
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", path, payload, {"content-type": "application/json"} | named)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read(), dict(answer.getheaders()))
        finally:
            connection.close()

    def send(self, line: Line, body: object, **headers: str) -> "Reply":
        return self.post(line.path, body, x_evosense_token=line.token, **headers)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)

    @property
    def log(self) -> str:
        return (self.directory / "receiver.log").read_text()


@dataclass
class Reply:
    status: int
    body: bytes
    headers: dict[str, str]


def digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


def wait_until(condition, seconds: float = 60.0) -> None:
    """Wait for what comes soon; the deadline is for a broken run, not for a slow machine."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(condition)
        time.sleep(0.05)


def _alive(pids: list[int]) -> bool:
    return any(not _is_zombie(pid) for pid in pids)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True
