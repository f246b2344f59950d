"""What could not begin in time: it waits longer each time, says so, and is never sent twice."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.schema import public_scope
from messaging.gateway.client.outcome import Outcome
from messaging.gateway.models import EvolutionServer, Lane
from messaging.models import Connection, Outgoing
from messaging.sender import claims, turn
from messaging.sender.periods import periods
from messaging.tests.sender.fakes import accepted, fake_server, run_lanes, run_turn
from messaging.tests.sending.things import lane_of, make_line, say


@pytest.fixture
def server(tenant, committed):
    with fake_server() as fake:
        yield fake


def states():
    return list(Outgoing.objects.order_by("pk").values_list("state", flat=True))


def due_now(line):
    """Let what waits go now, whatever its row, its lane and its server wait for."""
    Outgoing.objects.update(next_at=timezone.now())
    with public_scope():
        Lane.objects.update(due_at=timezone.now())
        EvolutionServer.objects.update(breaker="closed", breaker_failures=0, breaker_until=None)


def failures(line):
    server_id = Connection.objects.get(pk=line.pk).server_id
    return EvolutionServer.objects.get(pk=server_id).breaker_failures


def test_what_is_late_again_and_again_waits_longer_and_holds_its_lane(server):
    line = make_line()
    say(line)
    pauses = []
    for _ in range(12):
        server.answers = [Outcome("not_sent", "too_late")]
        due_now(line)
        run_lanes()
        pauses.append((Outgoing.objects.get().next_at - timezone.now()).total_seconds())

    assert states() == ["queued"]
    assert pauses[0] < pauses[1] < pauses[2] < pauses[-1] <= 300
    assert len(server.sends) == 12
    assert (lane_of(line).state, lane_of(line).reason) == ("held", "not_begun")
    assert failures(line) == 0

    due_now(line)
    run_lanes()
    assert states() == ["sent"]
    assert lane_of(line).state == "open"


def test_long_preparations_are_followed_by_a_new_intent(server, monkeypatch):
    monkeypatch.setattr(turn, "periods", lambda: replace(periods(), lease=3.0))
    say(make_line())
    begun, until = [], []

    def prepare(what):
        begun.append((time.monotonic(), timezone.now()))
        time.sleep(0.4)
        until.append(what["not_after"]())
        return accepted(what)

    server.answers = [prepare]
    run_lanes()

    assert states() == ["sent"]
    assert until[0] >= begun[0][0] + 0.4 + 1.0
    assert Outgoing.objects.get().sending_at >= begun[0][1] + timedelta(seconds=0.4)


def test_who_lost_the_lane_while_preparing_sends_nothing(server, monkeypatch):
    monkeypatch.setattr(turn, "periods", lambda: replace(periods(), lease=0.0))
    line = make_line()
    say(line)
    written = []

    def prepare(what):
        with public_scope():
            Lane.objects.update(lease_until=timezone.now())
        claims.claim(1, [])
        written.append(what["not_after"]())
        return accepted(what)

    server.answers = [prepare]
    run_turn(claims.claim(1, [])[0])

    assert written == []
    assert states() == ["sending"]


def test_only_failures_of_the_same_kind_in_a_row_end_a_message(server):
    line = make_line()
    say(line)
    down = Outcome("not_sent", "connect_failed", effect="server_down")
    busy = Outcome("not_sent", "too_many_requests", http_status=429)
    for answer in [*[down] * 12, *[busy] * 9]:
        server.answers = [answer]
        due_now(line)
        run_lanes()
        assert states() == ["queued"]

    server.answers = [busy]
    due_now(line)
    run_lanes()

    assert states() == ["dead"]
