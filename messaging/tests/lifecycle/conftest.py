from collections.abc import Iterator

import pytest

from messaging.services.lifecycle import webhooks
from messaging.tests.lifecycle.rig import World, receiver, simulator


@pytest.fixture(scope="module")
def simulator_url() -> Iterator[str]:
    with simulator() as url:
        yield url


@pytest.fixture
def world(committed, tenant, redis_db, simulator_url, settings, monkeypatch) -> Iterator[World]:
    """A server of the company with a simulator behind it, whose webhooks come to the test."""
    monkeypatch.setattr(webhooks, "ROUTE_SECONDS", 0.0)
    found = World(simulator_url)
    with receiver(found.inbox) as port:
        settings.PUBLIC_SCHEME, settings.PUBLIC_HOST = "http", "127.0.0.1"
        settings.PUBLIC_PORT = str(port)
        found.add_server()
        yield found
    for one in found.call("GET", "/instance/fetchInstances"):
        found.call("DELETE", f"/instance/delete/{one['name']}")
