"""Looks at numbers of a real simulator: cut, healed, silent, on a dead server."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from evosense.core.models import OutboxEvent
from evosense.core.schema import public_scope
from messaging.gateway.models import EvolutionServer, Lane
from messaging.models import (
    Connection,
    ConnectionEvent,
    GapRepair,
    HealthLog,
    Incident,
    Message,
)
from messaging.selectors.health import health_view
from messaging.selectors.incidents import open_incidents
from messaging.services.gaps import run_repair
from messaging.services.gaps.requests import fetch_missed
from messaging.services.health import expectation, look, probe
from messaging.services.health.following import follow_state
from messaging.services.health.suspects import Suspects
from messaging.tests.health.rig import Simulator, kinds, looks, make_line, make_server, open_line
from messaging.tests.ingest.rig import deliver


@pytest.fixture(autouse=True)
def _fresh(monkeypatch) -> None:
    monkeypatch.setattr(probe, "_suspects", Suspects())


def test_a_number_that_works_is_healthy_and_logged_once(tenant, redis_db, sim: Simulator) -> None:
    line = looks(open_line(sim, make_server(sim.url)), 4)
    assert (line.health, line.health_streak) == ("healthy", 0)
    assert HealthLog.objects.count() == 1
    assert {one["signal"]: one["code"] for one in line.health_signals}["probe"] == "open"
    view = health_view(line)
    assert (view.reason, view.health) == ("", "healthy")
    assert view.day[-1].status == "healthy"


def test_a_session_that_is_closed_becomes_an_incident_and_ends(
    tenant, redis_db, sim: Simulator
) -> None:
    line = looks(open_line(sim, make_server(sim.url)))
    sim.post("/_sim/cut", {"instance": line.instance, "how": "close", "refuse": None})
    assert kinds(looks(line)) == set(), "one look is no incident"
    assert kinds(looks(line)) == {"disconnected"}
    assert line.state == "disconnected", "the state follows what was seen twice"
    sim.write(line.instance, 3, ago=5)
    sim.post("/_sim/heal", {"instance": line.instance})
    if sim.call("GET", f"/instance/connectionState/{line.instance}")["instance"]["state"] != "open":
        sim.call("GET", f"/instance/connect/{line.instance}")
    assert kinds(looks(line, 6)) == set()
    assert (line.state, line.health) == ("connected", "healthy")
    found = Incident.objects.get()
    assert found.ended_at is not None
    assert found.loss_from is not None
    assert GapRepair.objects.get().incident_id == found.pk


def test_a_server_that_is_away_is_an_incident_for_its_numbers(
    tenant, redis_db, sim: Simulator
) -> None:
    server = make_server(sim.url)
    line = looks(open_line(sim, server))
    sim.post("/_sim/cut", {"instance": line.instance, "how": "down"})
    line = looks(line, 2)
    assert (line.health, kinds(line)) == ("down", {"server_down"})
    assert open_incidents()[0].connection_id == line.public_id
    sim.post("/_sim/heal", {"instance": line.instance})
    with public_scope():
        EvolutionServer.objects.update(breaker="closed", breaker_failures=0, breaker_until=None)
    assert kinds(looks(line, 3)) == set()


def test_an_instance_that_is_gone_is_said(tenant, redis_db, sim: Simulator) -> None:
    line = looks(open_line(sim, make_server(sim.url)))
    sim.call("DELETE", f"/instance/logout/{line.instance}")
    sim.call("DELETE", f"/instance/delete/{line.instance}")
    line = looks(line, 2)
    assert "removed" in kinds(line)


def test_silence_counts_only_with_a_probe_that_proves_nothing(
    tenant, redis_db, sim: Simulator, monkeypatch
) -> None:
    line = open_line(sim, make_server(sim.url))
    long_ago = timezone.now() - timedelta(hours=3)
    Connection.objects.update(last_inbound_at=long_ago, number="5511900000001")
    monkeypatch.setattr(expectation, "_history", [lambda _pk, hours: dict.fromkeys(hours, 30)])
    Connection.objects.update(created_at=timezone.now() - timedelta(days=60))
    monkeypatch.setattr(probe, "prove", lambda _connection, found: found)
    line = looks(line, 3)
    assert line.health == "healthy", "it answers, so silence alone says nothing"
    assert {one["signal"]: one["code"] for one in line.health_signals}["traffic"] == "silent"
    monkeypatch.undo()
    monkeypatch.setattr(expectation, "_history", [lambda _pk, hours: dict.fromkeys(hours, 30)])
    no_picture: Any = lambda *_arguments: None  # noqa: E731
    monkeypatch.setattr(probe.evolution(), "profile_picture", no_picture, raising=False)
    line = looks(line, 2)
    assert (line.health, kinds(line)) == ("degraded", {"silence"})


def test_the_fixed_rule_is_off_until_somebody_wants_it(tenant, redis_db, sim: Simulator) -> None:
    line = open_line(sim, make_server(sim.url))
    Connection.objects.update(last_event_at=timezone.now() - timedelta(minutes=20))
    assert looks(line, 3).health == "healthy"
    Connection.objects.update(silence_minutes=5)
    assert looks(line, 2).health == "degraded"
    assert kinds(line) == {"silence"}


def test_an_event_of_the_end_opens_at_once_and_its_return_closes(
    tenant, redis_db, sim: Simulator
) -> None:
    line = make_line(make_server(sim.url), state="logged_out")
    follow_state(line.pk)
    follow_state(line.pk)
    assert kinds(line) == {"logged_out"}
    Connection.objects.update(state="connected", state_at=timezone.now())
    follow_state(line.pk)
    assert kinds(line) == set()
    assert GapRepair.objects.count() == 1


def test_a_number_that_was_never_connected_has_no_incident(
    tenant, redis_db, sim: Simulator
) -> None:
    line = make_line(make_server(sim.url), state="disconnected", connected_at=None)
    follow_state(line.pk)
    assert kinds(looks(line, 3)) == set()
    assert line.health == ""


def test_a_session_that_was_open_before_us_is_found_at_the_first_look(
    tenant, redis_db, sim: Simulator
) -> None:
    line = open_line(sim, make_server(sim.url))
    Connection.objects.filter(pk=line.pk).update(state="initializing", connected_at=None)
    ConnectionEvent.objects.filter(connection=line).delete()
    assert looks(line).state == "connected"


def test_one_that_nobody_paired_yet_is_asked_again_soon_and_is_no_incident(
    tenant, redis_db, sim: Simulator
) -> None:
    line = make_line(make_server(sim.url), state="initializing", connected_at=None)
    assert look.look(line.public_id) - timezone.now() <= look.SOON
    assert kinds(looks(line, 3)) == set()
    assert (line.state, line.health) == ("initializing", "")


def test_a_short_absence_without_incident_is_read_again_too(
    tenant, redis_db, sim: Simulator
) -> None:
    line = make_line(make_server(sim.url))
    now = timezone.now()
    for minutes, state in ((60, "connected"), (5, "connecting"), (4, "connected")):
        at = now - timedelta(minutes=minutes)
        ConnectionEvent.objects.create(connection=line, state=state, at=at)
    Connection.objects.update(state_at=now - timedelta(minutes=4))
    follow_state(line.pk)
    follow_state(line.pk)
    repair = GapRepair.objects.get()
    assert repair.reason == "reconnected"
    assert repair.since < now - timedelta(minutes=5)


def test_the_next_look_comes_soon_when_something_is_wrong(tenant, redis_db, sim: Simulator) -> None:
    line = looks(open_line(sim, make_server(sim.url)))
    assert look.look(line.public_id) <= timezone.now() + timedelta(seconds=25)
    sim.post("/_sim/cut", {"instance": line.instance, "how": "down"})
    assert look.look(line.public_id) <= timezone.now() + timedelta(seconds=5)
    sim.post("/_sim/heal", {"instance": line.instance})


def test_an_event_brings_the_next_look_forward(tenant, redis_db, sim: Simulator) -> None:
    line = make_line(make_server(sim.url))
    with public_scope():
        Lane.objects.update_or_create(
            connection_id=line.public_id,
            defaults={"tenant_id": tenant.id, "watch_at": timezone.now() + timedelta(hours=1)},
        )
    follow_state(line.pk)
    with public_scope():
        assert Lane.objects.get(pk=line.public_id).watch_at <= timezone.now()


def lost(line: Connection, sim: Simulator) -> Connection:
    """A number whose session looks open while its events go nowhere."""
    sim.post("/_sim/cut", {"instance": line.instance, "how": "silent"})
    sim.write(line.instance, 3, ago=300, every=60)
    ago = timezone.now() - timedelta(minutes=10)
    Connection.objects.update(last_event_at=ago, health_at=ago)
    return looks(line)


def test_a_session_that_only_looks_open_is_found_out_by_what_its_server_has(
    tenant, redis_db, sim: Simulator
) -> None:
    line = lost(looks(open_line(sim, make_server(sim.url))), sim)
    line = looks(line)
    assert (line.health, kinds(line)) == ("degraded", {"webhook"})
    assert run_repair(GapRepair.objects.get().pk) == "done"
    assert Message.objects.count() == 3
    assert kinds(looks(line, 5)) == {"webhook"}, "until an event comes"
    Connection.objects.update(last_event_at=timezone.now() + timedelta(seconds=1))
    assert kinds(looks(line, 4)) == set()


def test_what_waits_to_be_applied_is_not_lost(tenant, redis_db, sim: Simulator) -> None:
    line = looks(open_line(sim, make_server(sim.url)))
    deliver(line.public_id, b'{"event":"evosense.test"}', timezone.now())
    line = looks(lost(line, sim))
    assert (line.health, GapRepair.objects.count()) == ("healthy", 0)


def test_a_quiet_number_whose_server_has_nothing_new_is_left_alone(
    tenant, redis_db, sim: Simulator
) -> None:
    line = looks(open_line(sim, make_server(sim.url)))
    ago = timezone.now() - timedelta(minutes=10)
    Connection.objects.update(last_event_at=ago, health_at=ago)
    assert looks(line, 2).health == "healthy"
    assert not GapRepair.objects.exists()


def test_a_house_that_was_away_reads_what_it_missed(tenant, redis_db, sim: Simulator) -> None:
    line = looks(open_line(sim, make_server(sim.url)))
    Connection.objects.update(health_at=timezone.now() - timedelta(hours=2))
    looks(line, 2)
    repair = GapRepair.objects.get()
    assert repair.reason == "outage"
    assert repair.since < timezone.now() - timedelta(hours=2)


def test_a_repair_that_nobody_began_is_begun_by_a_look(tenant, redis_db, sim: Simulator) -> None:
    line = looks(open_line(sim, make_server(sim.url)))
    fetch_missed(line, since=timezone.now() - timedelta(hours=1), reason="outage")
    ago = timezone.now() - timedelta(minutes=2)
    Connection.objects.update(health_at=ago)
    with public_scope():
        asked = OutboxEvent.objects.filter(topic="messaging.gap_repair_asked")
        assert not asked.exists()
    looks(line)
    with public_scope():
        assert not asked.exists(), "events come first"
    GapRepair.objects.update(created_at=ago)
    Connection.objects.update(health_at=ago)
    looks(line)
    with public_scope():
        assert asked.count() == 1
