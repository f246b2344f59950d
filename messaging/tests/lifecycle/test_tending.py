"""Sessions come back by themselves: later and later, once at a time, never against a wish."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.schema import tenant_scope
from evosense.testing.threads import run_threads
from messaging.gateway import servers
from messaging.gateway.client.evolution import Evolution
from messaging.models import Connection
from messaging.services import lifecycle
from messaging.services.lifecycle import tending
from messaging.services.lifecycle.tending import tend_session, wait_seconds
from messaging.tests.lifecycle.rig import row_of

NUMBER = "5511900004200"
EARLIER = timedelta(minutes=30)


@pytest.fixture
def line(world) -> Connection:
    made = lifecycle.create_instance(name="loja", number=NUMBER)
    lifecycle.start_pairing(made.public_id)
    world.sim("pair", instance=made.instance)
    return world.until_state(made, "connected")


def cut(world, line, **over):
    world.sim("cut", instance=line.instance, how="close", **over)
    world.until_state(line, "disconnected")


def make_due(line):
    Connection.objects.filter(pk=line.pk).update(
        next_retry_at=timezone.now() - timedelta(seconds=1)
    )


@pytest.fixture
def connects(monkeypatch):
    """Count the calls that open a socket."""
    seen = []
    real = Evolution.connect
    monkeypatch.setattr(
        Evolution, "connect", lambda self, *a, **k: seen.append(1) or real(self, *a, **k)
    )
    return seen


def test_waits_grow_to_a_ceiling():
    for tries in range(40):
        full = min(5 * 2**tries, 600)
        assert all(full * 0.8 <= wait_seconds(tries) <= full for _ in range(20))
    assert wait_seconds(10**9) <= 600


def test_lost_session_comes_back_after_its_wait(world, line, connects):
    cut(world, line)
    first = tend_session(line.public_id)
    assert timedelta(seconds=3) < first - timezone.now() <= timedelta(seconds=5)
    # Asked again before its time: nothing but the time.
    assert tend_session(line.public_id) == first
    assert not connects
    make_due(line)
    tend_session(line.public_id)
    found = world.until_state(line, "connected")
    assert (len(connects), found.retry_count, found.next_retry_at) == (1, 1, None)


def test_waits_double_and_everything_is_in_the_row(world, line, connects):
    cut(world, line, refuse=None)
    tend_session(line.public_id)
    waits = []
    for count in range(1, 5):
        make_due(line)
        again = tend_session(line.public_id)
        waits.append((again - timezone.now()).total_seconds())
        assert row_of(line).retry_count == count
        world.until_state(line, "disconnected")
    for tries, seconds in enumerate(waits, start=1):
        assert 5 * 2**tries * 0.7 < seconds <= 5 * 2**tries
    assert len(connects) == 4


def test_counter_is_forgotten_only_after_ten_steady_minutes(world, line):
    cut(world, line)
    tend_session(line.public_id)
    make_due(line)
    tend_session(line.public_id)
    world.until_state(line, "connected")
    steady_at = tend_session(line.public_id)
    assert timedelta(minutes=9) < steady_at - timezone.now() <= timedelta(minutes=10)
    assert row_of(line).retry_count == 1
    Connection.objects.update(connected_at=timezone.now() - timedelta(minutes=11))
    assert tend_session(line.public_id) is None
    assert row_of(line).retry_count == 0


def test_trouble_soon_after_goes_on_counting(world, line):
    Connection.objects.update(retry_count=4)
    cut(world, line)
    tend_session(line.public_id)
    assert row_of(line).retry_count == 4
    Connection.objects.update(
        next_retry_at=None,
        connected_at=timezone.now() - EARLIER,
        disconnected_at=timezone.now() - timedelta(minutes=1),
    )
    tend_session(line.public_id)
    assert row_of(line).retry_count == 0


def test_of_many_watchers_one_connects(world, line, connects, tenant):
    cut(world, line)
    tend_session(line.public_id)
    make_due(line)

    def watch():
        with tenant_scope(tenant):
            tend_session(line.public_id)

    run_threads([watch] * 8)
    assert len(connects) == 1
    assert row_of(line).retry_count == 1


def test_session_that_came_back_by_itself_is_not_disturbed(world, line, connects):
    cut(world, line)
    tend_session(line.public_id)
    world.sim("heal", instance=line.instance)
    make_due(line)
    tend_session(line.public_id)
    world.until_state(line, "connected")
    assert not connects


def test_session_whose_news_was_lost_is_seen_by_asking(world, line):
    Connection.objects.update(state="disconnected", next_retry_at=timezone.now())
    tend_session(line.public_id)
    assert row_of(line).state == "connected"


def test_phone_that_was_forgotten_needs_a_person(world, line, connects):
    cut(world, line)
    world.call("DELETE", f"/instance/delete/{line.instance}")
    body = {"instanceName": line.instance, "integration": "WHATSAPP-BAILEYS", "token": line.api_key}
    world.call("POST", "/instance/create", body)
    Connection.objects.update(
        state="disconnected", wants_session=True, next_retry_at=timezone.now()
    )
    tend_session(line.public_id)
    found = row_of(line)
    assert (len(connects), found.state, found.wants_session) == (1, "logged_out", False)
    assert tend_session(line.public_id) is None


def test_instance_that_vanished_ends_the_trying(world, line):
    world.sim("cut", instance=line.instance, how="silent")
    world.call("DELETE", f"/instance/delete/{line.instance}")
    Connection.objects.update(state="disconnected", next_retry_at=timezone.now())
    tend_session(line.public_id)
    assert row_of(line).state == "removed"
    assert tend_session(line.public_id) is None


def test_server_that_is_down_is_not_hammered(world, line, connects):
    cut(world, line)
    servers.EvolutionServer.objects.update(url="http://127.0.0.1:9")
    for _ in range(3):
        Connection.objects.update(next_retry_at=timezone.now())
        assert tend_session(line.public_id) > timezone.now()
    found = row_of(line)
    assert (found.state, found.last_error, found.retry_count) == (
        "disconnected",
        "connect_failed",
        3,
    )
    assert servers.EvolutionServer.objects.get().breaker == "open"
    assert not connects


@pytest.mark.parametrize(
    "over",
    [
        {"wants_session": False},
        {"state": "logged_out"},
        {"state": "banned"},
        {"state": "removed"},
        {"state": "qr_pending"},
        {"quarantined_at": timezone.now()},
        {"removed_at": timezone.now()},
        {"is_active": False},
        {"connected_at": None},
        {"is_managed": False, "server_id": None},
    ],
)
def test_nothing_is_tried_against_a_wish(world, line, connects, over):
    cut(world, line)
    Connection.objects.update(**{"next_retry_at": timezone.now() - timedelta(hours=1), **over})
    assert tend_session(line.public_id) is None
    assert not connects


def test_coming_up_is_given_time(world, line, connects):
    Connection.objects.update(state="connecting", state_at=timezone.now())
    until = tend_session(line.public_id)
    assert timedelta(seconds=50) < until - timezone.now() <= tending.PATIENCE
    Connection.objects.update(state_at=timezone.now() - timedelta(minutes=5))
    assert tend_session(line.public_id) > timezone.now()
    make_due(line)
    tend_session(line.public_id)
    # The server says open: the event about it was lost.
    assert row_of(line).state == "connected"
    assert not connects


def test_wait_is_scattered():
    random.seed(1)
    assert len({round(wait_seconds(3), 3) for _ in range(20)}) > 10
