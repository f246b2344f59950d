"""A company on a real host with one connection, and the processes that serve it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
import pytest

from evosense.core.schema import TenantRef, public_scope, tenant_scope
from evosense.testing.databases import ALPHA
from evosense.testing.house import House, running_house
from messaging.tests.simulator.process import SimulatorProcess, running_simulator

if TYPE_CHECKING:
    from messaging.services.connections import NewConnection


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


@pytest.fixture(scope="module")
def also() -> tuple[str, ...]:
    """Processes that the tests of a file need besides."""
    return ()


@pytest.fixture(scope="module")
def processes(django_db_setup, django_db_blocker, tmp_path_factory, also) -> Iterator[House]:
    """Start the house of a file once: that costs more than most of its tests."""
    folder = tmp_path_factory.mktemp("house")
    with (
        django_db_blocker.unblock(),
        answering({"alpha.localhost": ALPHA}),
        running_house(folder, "web", "ingest_worker", "relay", *also) as running,
    ):
        yield running


@contextmanager
def answering(hosts: dict[str, TenantRef]) -> Iterator[None]:
    """Give companies hosts that a browser reaches."""
    from tenancy.models import Domain

    with public_scope():
        for host, ref in hosts.items():
            Domain.objects.create(tenant_id=ref.id, domain=host, is_primary=False)
    try:
        yield
    finally:
        with public_scope():
            Domain.objects.filter(domain__in=hosts).delete()


@pytest.fixture
def house(committed, processes) -> House:
    """Give a test the house of its file, over tables that are emptied afterwards."""
    return processes


@pytest.fixture
def simulator() -> Iterator[SimulatorProcess]:
    with running_simulator() as running:
        yield running


def line_on(house: House, simulator: SimulatorProcess, made: "NewConnection") -> Line:
    """Open the connection's instance at the simulator, which posts to the house from then on."""
    line = Line(house, f"/hooks/evo/{made.connection.public_id}", made.token)
    line.wait_for_route()
    url = f"http://127.0.0.1:{house.port}{line.path}"
    headers = {"X-EvoSense-Token": made.token}
    simulator.open_instance("evs-1", {"url": url, "headers": headers, "events": []})
    return line


@pytest.fixture
def line(house) -> Line:
    from messaging.services.connections import create_connection

    with tenant_scope(ALPHA):
        made = create_connection(name="Loja Centro", instance="evs-1", number="+55 11 90000-4200")
    line = Line(house, f"/hooks/evo/{made.connection.public_id}", made.token)
    line.wait_for_route()
    return line
