"""A number that was connected and broke off: no code ran out, and it comes back by itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from messaging.models import Connection
from messaging.services import lifecycle
from messaging.services.lifecycle import shelf
from messaging.services.lifecycle.tending import may_reconnect

NUMBER = "5511900004200"


@pytest.fixture
def line(world):
    """A number that was paired by a code a moment ago."""
    made = lifecycle.create_instance(name="loja", number=NUMBER)
    lifecycle.start_pairing(made.public_id)
    world.sim("pair", instance=made.instance)
    return world.until_state(made, "connected")


def break_off(world, line, code: int = 408) -> Connection:
    data = {"instance": line.instance, "state": "close", "statusReason": code}
    world.sim("emit", instance=line.instance, event="connection.update", data=data)
    return world.until_state(line, "disconnected")


def state_of(line) -> str:
    return lifecycle.pairing_view(line.public_id).state


def test_a_connection_that_breaks_off_after_its_code_was_read_is_no_code_that_ran_out(world, line):
    assert state_of(line) == "connected"
    assert may_reconnect(break_off(world, line))
    assert state_of(line) == "lost"
    # The shelf forgets a pairing after a while; that makes no difference.
    shelf.begin(line.public_id)
    Connection.objects.update(connected_at=timezone.now() - timedelta(hours=1))
    assert state_of(line) == "creating", "a code was asked for since"


def test_a_press_brings_it_back_without_a_code(world, line):
    break_off(world, line)
    lifecycle.start_pairing(line.public_id)
    assert state_of(line) in {"already_open", "connected"}


def test_nothing_comes_back_by_itself_that_somebody_ended(world, line):
    break_off(world, line)
    Connection.objects.update(wants_session=False)
    assert state_of(line) == "none"
