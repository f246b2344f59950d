"""A company on a real host with one connection, and the processes that serve it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
import pytest

from evosense.core.schema import public_scope, tenant_scope
from evosense.testing.databases import ALPHA
from evosense.testing.house import House, running_house


@dataclass
class Line:
    """A connection, as Evolution knows it."""

    house: House
    path: str
    token: str
    instance: str = "evs-1"
    number: str = "5511900004200"

    def wait_for_route(self) -> None:
        """Knock until the receiver, told by NOTIFY, knows the token; a 404 would lose an event."""
        deadline = time.monotonic() + 20
        while self.send("evosense.test", {}) != 200:
            assert time.monotonic() < deadline, "the receiver never learned the new route"
            time.sleep(0.05)

    def send(self, event: str, data: object) -> int:
        body = {"event": event, "instance": self.instance, "data": data}
        return self.house.post(self.path, orjson.dumps(body), **{"X-EvoSense-Token": self.token})

    def say(self, text: str, *, provider_id: str, at: int, chat: str = "5511900001234", **over):
        """Deliver one inbound text; returns the receiver's status."""
        data = {
            "key": {"remoteJid": f"{chat}@s.whatsapp.net", "fromMe": False, "id": provider_id},
            "pushName": "Mariana Duarte",
            "message": {"conversation": text},
            "messageType": "conversation",
            "messageTimestamp": at,
            **over,
        }
        return self.send("messages.upsert", data)


@pytest.fixture
def house(committed, tmp_path) -> Iterator[House]:
    from tenancy.models import Domain

    with public_scope():
        Domain.objects.create(tenant_id=ALPHA.id, domain="alpha.localhost", is_primary=False)
    with running_house(tmp_path, "web", "ingest_worker", "relay") as running:
        yield running
    with public_scope():
        Domain.objects.filter(domain="alpha.localhost").delete()


@pytest.fixture
def line(house) -> Line:
    from messaging.services.connections import create_connection

    with tenant_scope(ALPHA):
        made = create_connection(name="Loja Centro", instance="evs-1", number="+55 11 90000-4200")
    line = Line(house, f"/hooks/evo/{made.connection.public_id}", made.token)
    line.wait_for_route()
    return line
