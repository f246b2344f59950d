"""A simulator as a process of its own, and connections on it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx2
from django.conf import settings
from django.utils import timezone

from evosense.core.schema import current_tenant, public_scope
from messaging.gateway.models import EvolutionServer
from messaging.models import Connection, Incident
from messaging.services.connections import create_connection
from messaging.services.health import look

KEY = "simulator-key"
_names = count(1)


@dataclass
class Simulator:
    """The process; `call` speaks with it as an operator of it would."""

    url: str
    process: "subprocess.Popen[bytes]"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx2.request(
            method, f"{self.url}{path}", json=body, headers={"apikey": KEY}, timeout=20
        )
        assert answer.is_success, (path, answer.status_code, answer.text[:300])
        return answer.json()

    def post(self, path: str, body: Any) -> Any:
        return self.call("POST", path, body)

    def open_instance(self, name: str) -> None:
        """Make an instance that posts nowhere, and pair a phone with it."""
        body = {"instanceName": name, "integration": "WHATSAPP-BAILEYS", "qrcode": False}
        self.post("/instance/create", body)
        self.call("GET", f"/instance/connect/{name}")
        self.post("/_sim/pair", {"instance": name})

    def write(self, name: str, number: int = 1, **over: Any) -> None:
        """Have customers write; only the simulator's store knows of it."""
        scene = {"instance": name, "kind": "text", "count": number, "quiet": True, "every": 1}
        self.post("/_sim/emit", scene | over)


@contextmanager
def simulator(*arguments: str) -> Iterator[Simulator]:
    command = [sys.executable, "-m", "messaging.simulator", "--port", "0", "--auto-pair", "-1"]
    options = ["--time-factor", "0", "--chats", "8", "--rate", "0", "--replies", "0"]
    process = subprocess.Popen(
        [*command, *options, *arguments], cwd=settings.BASE_DIR, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield Simulator(json.loads(process.stdout.readline())["url"], process)
    finally:
        process.kill()
        process.wait(20)


def make_server(url: str, *, name: str = "sim", is_house: bool = False) -> EvolutionServer:
    values = {"name": name, "url": url, "api_key": KEY, "version": "2.3.7"}
    values["probed_at"] = timezone.now()
    if is_house:
        with public_scope():
            return EvolutionServer.objects.create(**values)
    return EvolutionServer.objects.create(tenant_id=current_tenant().id, **values)


def make_line(server: EvolutionServer, **over: Any) -> Connection:
    """A connection that is up, as the events of its server would have told."""
    name = over.pop("instance", f"evs-health-{next(_names)}")
    made = create_connection(name=f"linha {name}", instance=name).connection
    now = timezone.now()
    values = {"server_id": server.pk, "state": "connected", "connected_at": now, "state_at": now}
    Connection.objects.filter(pk=made.pk).update(**(values | over))
    made.refresh_from_db()
    return made


def open_line(sim: Simulator, server: EvolutionServer, **over: Any) -> Connection:
    """A connection that is up on the simulator too."""
    line = make_line(server, **over)
    sim.open_instance(line.instance)
    return line


def looks(line: Connection, number: int = 1) -> Connection:
    for _ in range(number):
        look.look(line.public_id)
    line.refresh_from_db()
    return line


def kinds(line: Connection) -> set[str]:
    rows = Incident.objects.filter(connection=line, ended_at=None)
    return set(rows.values_list("kind", flat=True))
