"""A system of a company that hears webhooks, and how tests make it hear some."""

import base64
import hashlib
import hmac
import http.server
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from evosense.core.models import OutboxEvent
from evosense.core.outbox import Event, emit
from evosense.core.schema import public_scope
from messaging.events import IncidentOpened
from messaging.models import Connection, Incident, WebhookDelivery, WebhookEndpoint
from messaging.services.webhooks_out import noting
from messaging.services.webhooks_out.endpoints import NewSecret, create_endpoint
from messaging.tests.factories import make_connection

_numbers = itertools.count(1)


@dataclass
class Heard:
    """One request, its header names in small letters."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Receiver(http.server.ThreadingHTTPServer):
    """Answers `answers` one after another, then 204; each is a status and headers."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.always: tuple[int, dict[str, str]] = (204, {})
        self.delay = 0.0
        self.heard: list[Heard] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.heard.append(Heard(headers, body))
                time.sleep(outer.delay)
                status, more = outer.answers.pop(0) if outer.answers else outer.always
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_arguments: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/evosense"


@contextmanager
def receiving() -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def make_webhook(url: str = "http://127.0.0.1:9/", **over: Any) -> NewSecret:
    wanted = {"name": f"sistema {next(_numbers)}", "event_types": ["incident.opened"]}
    return create_endpoint(**{"url": url, **wanted, **over})


def make_incident(line: Connection | None = None, **over: Any) -> Incident:
    fields = {"kind": "disconnected", "severity": "down", "started_at": timezone.now(), **over}
    return Incident.objects.create(connection=line or make_connection(), **fields)


def opened(incident: Incident) -> IncidentOpened:
    return IncidentOpened(incident.connection_id, incident.pk, incident.kind)


def happen(event: Event, type_name: str = "incident.opened") -> int:
    """Emit an event and make its deliveries, as relay and worker do; returns the outbox's id."""
    with transaction.atomic():
        emit(event)
    with public_scope():
        row = OutboxEvent.objects.latest("pk")
    noting.note_event(row.pk, row.payload, type_name)
    return row.pk


def make_delivery(webhook: NewSecret, **over: Any) -> WebhookDelivery:
    now = timezone.now()
    fields = {"type": "connection.state_changed", "occurred_at": now, "next_at": now, **over}
    return WebhookDelivery.objects.create(
        endpoint=webhook.endpoint, event_id=next(_numbers), **fields
    )


def expected_signature(secret: str, heard: Heard) -> str:
    """Compute a signature by the specification alone: Standard Webhooks 1, symmetric."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{heard.id}.{heard.headers['webhook-timestamp']}.".encode() + heard.body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def fresh(webhook: NewSecret) -> WebhookEndpoint:
    return WebhookEndpoint.objects.get(pk=webhook.endpoint.pk)
