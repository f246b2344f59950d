"""What an outage that is known has cost is fetched, and no second incident."""

from datetime import timedelta

import pytest
from django.utils import timezone

from messaging.models import Connection, GapRepair, Incident
from messaging.services.gaps.requests import ask_for_repair
from messaging.services.health import counting, depth, probe
from messaging.services.health.suspects import Suspects
from messaging.tests.health.rig import Simulator, kinds, looks, make_server, open_line
from messaging.tests.health.test_silent_cuts import code_of


@pytest.fixture
def line(tenant, redis_db, sim: Simulator, monkeypatch) -> Connection:
    """A number that was quiet for ten minutes, after its first look."""
    monkeypatch.setattr(probe, "_suspects", Suspects())
    monkeypatch.setattr(counting, "shared", counting.Counts())
    made = open_line(sim, make_server(sim.url))
    ago = timezone.now() - timedelta(minutes=10)
    Connection.objects.update(connected_at=ago, last_event_at=ago)
    return looks(made)


def minutes_ago(number: float):
    return timezone.now() - timedelta(minutes=number)


def ask(line: Connection, since: float, until: float, reason: str = "outage") -> GapRepair:
    return ask_for_repair(line, since=minutes_ago(since), until=minutes_ago(until), reason=reason)


def test_what_a_waiting_repair_will_bring_is_not_lost(line, sim: Simulator) -> None:
    sim.write(line.instance, 3, ago=180)
    repair = ask(line, 5, 1)
    until = repair.until

    assert code_of(looks(line), "store") == "fetched"
    line = looks(line, 3)

    assert (line.health, kinds(line)) == ("healthy", set())
    repair.refresh_from_db()
    assert repair.until == until, "its window would explain whatever is lost later"


@pytest.mark.parametrize("state", ["done", "failed"])
def test_an_outage_that_was_read_or_not_is_known_but_fetched_once_more(
    line, sim: Simulator, state: str
) -> None:
    sim.write(line.instance, 1, ago=180)
    ask(line, 5, 1)
    GapRepair.objects.update(state=state, finished_at=timezone.now())

    line = looks(line, 3)

    assert (line.health, kinds(line)) == ("healthy", set())
    assert GapRepair.objects.get(state="queued").reason == "silence"


def test_an_outage_that_lasts_explains_what_is_missing(line, sim: Simulator) -> None:
    sim.write(line.instance, 1, ago=180)
    Incident.objects.create(
        connection=line, kind="server_down", severity="down", code="timed_out",
        started_at=minutes_ago(5), loss_from=minutes_ago(5),
    )  # fmt: skip

    assert "webhook" not in kinds(looks(line, 3))


@pytest.mark.parametrize("reason", ["outage", "silence"])
def test_what_is_lost_after_an_outage_or_in_silence_is_told(
    line, sim: Simulator, reason: str
) -> None:
    known = 4 if reason == "outage" else 0
    sim.write(line.instance, 1, ago=60)
    ask(line, 9, known, reason=reason)

    assert kinds(looks(line, 3)) == {"webhook"}
    assert depth.known_lost(looks(line)) is not None
