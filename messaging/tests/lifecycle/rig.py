"""A simulator as a process, a place that its webhooks come to, and the two made one world."""

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2
from django.utils import timezone

from evosense.core.crypto import token_digest
from evosense.core.schema import current_tenant, database_cursor
from evosense.core.streams import redis_client
from messaging.gateway.servers import create_server
from messaging.ingest import pairing_codes
from messaging.ingest.receiver.intake import arrival_of
from messaging.ingest.receiver.tokens import Route
from messaging.ingest.worker import Worker
from messaging.models import Connection
from messaging.services.lifecycle.webhooks import HEADER
from tenancy.models import WebhookRoute
from tenancy.services import routes

KEY = "the-global-key"
ROOT = os.getcwd()


@dataclass
class Posted:
    """One webhook as it arrived; `status` is what we answered."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int = 200

    @property
    def connection_id(self) -> UUID:
        return UUID(self.path.split("/")[3])


@dataclass
class World:
    """A server of simulated instances; `settle` takes in what it has posted so far."""

    url: str
    inbox: list[Posted] = field(default_factory=list)
    server_id: UUID | None = None
    _taken: int = 0

    def call(self, method: str, path: str, body: Any = None, key: str = KEY) -> Any:
        answer = httpx2.request(
            method, f"{self.url}{path}", json=body, headers={"apikey": key}, timeout=20
        )
        assert answer.is_success, (path, answer.status_code, answer.text[:300])
        return answer.json()

    def sim(self, act: str, **body: Any) -> Any:
        return self.call("POST", f"/_sim/{act}", body)

    def add_server(self) -> UUID:
        self.server_id = create_server(name="casa", url=self.url, api_key=KEY).pk
        return self.server_id

    def take_in(self) -> int:
        """Receive what was posted, as the receiver and the worker would; returns how many."""
        fresh = self.inbox[self._taken :]
        self._taken += len(fresh)
        for one in fresh:
            one.status = _receive(one)
        Worker().drain()
        return len(fresh)

    def until(self, is_true: Callable[[], Any], seconds: float = 60) -> Any:
        """Take in what comes until `is_true` says so; returns what it said."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.take_in()
            if found := is_true():
                return found
            time.sleep(0.02)
        raise AssertionError(f"never came true; {len(self.inbox)} webhooks came")

    def until_taken(self, count: int) -> None:
        """Take in the first `count` webhooks; each comes by itself, so in any order."""
        self.until(lambda: self._taken >= count)

    def until_state(self, connection: Connection, state: str) -> Connection:
        self.until(lambda: row_of(connection).state == state)
        return row_of(connection)


def row_of(connection: Connection) -> Connection:
    return Connection.objects.get(public_id=connection.public_id)


def _receive(posted: Posted) -> int:
    tenant = current_tenant()
    row = WebhookRoute.objects.filter(pk=posted.connection_id, is_active=True).first()
    token = posted.headers.get(HEADER.lower(), "")
    if row is None or token_digest(token) not in routes.accepted_tokens(route_id=row.pk):
        return 404
    route = Route(row.pk, tenant.id, row.instance, b"")
    arrival = arrival_of(route, posted.body, path_event="", max_blob=1 << 20)
    if arrival.qr:
        call = pairing_codes.call(tenant.id, row.pk, arrival.qr, sent=arrival.sent)
        redis_client().eval(*(call or ["return 0", 0]))
    record = arrival.record
    values = [timezone.now(), tenant.id, row.pk, record.dedupe_key, record.event, record.instance]
    with database_cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.webhook_events (received_at, tenant_id, connection_id,"
            " dedupe_key, event, instance, body) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [*values, record.body],
        )
    return 200


@contextmanager
def receiver(inbox: list[Posted]) -> Iterator[int]:
    """Listen for webhooks; yields the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            inbox.append(Posted(self.path, headers, body))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def simulator(*options: str, version: str = "2.3.7") -> Iterator[str]:
    """Run the simulator as a process; yields its address."""
    command = [sys.executable, "-m", "messaging.simulator", "--port", "0", "--auto-pair", "-1"]
    command += ["--time-factor", "0.02", "--evolution-version", version, *options]
    environment = {**os.environ, "SIMULATOR_API_KEY": KEY}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.kill()
        process.wait(60)
        process.stdout and process.stdout.close()
