"""The services, the simulator and the real receiver as processes: no event is lost on the way."""

import threading
import time

import pytest

from evosense.core.schema import tenant_scope
from evosense.testing.databases import ALPHA
from evosense.testing.house import running_house
from messaging.gateway.servers import create_server
from messaging.models import Connection, Message
from messaging.services import lifecycle
from messaging.tests.lifecycle.rig import KEY, World, simulator


@pytest.fixture
def house(committed, tmp_path, settings):
    with running_house(tmp_path, "web", "ingest_worker", "relay") as running:
        settings.PUBLIC_SCHEME, settings.PUBLIC_HOST = "http", "127.0.0.1"
        settings.PUBLIC_PORT = str(running.port)
        yield running


def until(is_true, seconds=90.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := is_true():
            return found
        time.sleep(0.1)
    raise AssertionError("never came true")


def test_number_is_connected_and_its_token_changed_under_traffic(house):
    with tenant_scope(ALPHA), simulator() as url:
        world = World(url)
        create_server(name="casa", url=url, api_key=KEY)
        line = lifecycle.create_instance(name="loja", number="5511900004200")
        assert lifecycle.start_pairing(line.public_id).state == "waiting"
        world.sim("pair", instance=line.instance)
        until(lambda: Connection.objects.get().state == "connected")
        until(lambda: lifecycle.pairing_view(line.public_id).state == "connected")
        sent = _write_while(world, line, lambda: lifecycle.rotate_webhook(line.public_id))
        until(lambda: Message.objects.count() >= sent)
        assert Message.objects.count() == sent
        lifecycle.remove(line.public_id)
        until(lambda: house.post(f"/hooks/evo/{line.public_id}", b"{}") == 404)


def _write_while(world, line, act):
    """Let people write all the time while `act` is done three times; returns how many wrote."""
    stop, sent = threading.Event(), []

    def write():
        while not stop.is_set():
            world.sim("emit", instance=line.instance, kind="text")
            sent.append(1)
            time.sleep(0.02)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            act()
            time.sleep(0.3)
    finally:
        stop.set()
        writer.join()
    return len(sent)
