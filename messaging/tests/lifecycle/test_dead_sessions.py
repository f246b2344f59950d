"""A session that its server calls open and that hears nothing: started anew, later and later."""

from datetime import timedelta

import pytest
from django.utils import timezone

from messaging.gateway.client.evolution import Evolution
from messaging.models import Connection, Incident
from messaging.services import lifecycle
from messaging.services.lifecycle import tending
from messaging.services.lifecycle.tending import is_dead, tend_session
from messaging.tests.lifecycle.rig import row_of

UNPROVEN = {"signal": "probe", "status": "warn", "code": "unproven", "value": None}
LOST = {"signal": "webhook", "status": "bad", "code": "lost", "value": 1.0}


@pytest.fixture
def line(world) -> Connection:
    made = lifecycle.create_instance(name="loja", number="5511900004200")
    lifecycle.start_pairing(made.public_id)
    world.sim("pair", instance=made.instance)
    world.until_state(made, "connected")
    world.sim("cut", instance=made.instance, how="silent")
    return made


@pytest.fixture
def restarts(monkeypatch):
    seen = []
    real = Evolution.restart
    monkeypatch.setattr(
        Evolution, "restart", lambda self, *a, **k: seen.append(1) or real(self, *a, **k)
    )
    return seen


def condemn(line, *signals, **over):
    """What two looks that found the session dead leave behind."""
    now = timezone.now()
    Connection.objects.filter(pk=line.pk).update(
        health="degraded",
        health_streak=0,
        health_signals=list(signals or [UNPROVEN]),
        health_at=now,
        last_event_at=now - timedelta(minutes=2),
        connected_at=now - timedelta(hours=2),
        **over,
    )
    kind = Incident.Kind.WEBHOOK if LOST in signals else Incident.Kind.SILENCE
    Incident.objects.update_or_create(
        connection=line,
        kind=kind,
        ended_at=None,
        defaults={"severity": "degraded", "started_at": now},
    )


@pytest.mark.parametrize("signal", [UNPROVEN, LOST])
def test_a_dead_session_is_started_anew_and_hears_again(world, line, restarts, signal):
    condemn(line, signal)
    before = row_of(line).connected_at
    tend_session(line.public_id)
    found = world.until(lambda: row_of(line).connected_at > before and row_of(line))
    assert (len(restarts), found.state, found.retry_count) == (1, "connected", 1)
    assert (found.next_retry_at, is_dead(found)) == (None, False)


def test_a_session_through_which_whatsapp_answers_is_left_alone(line, restarts, monkeypatch):
    monkeypatch.setattr(Evolution, "profile_picture", lambda *_a, **_k: "https://pps.example/1.jpg")
    condemn(line, LOST)
    tend_session(line.public_id)
    assert (restarts, row_of(line).state, row_of(line).retry_count) == ([], "connected", 1)


def test_one_that_stays_dead_is_tried_later_and_later_and_left_in_the_end(line, restarts):
    condemn(line, retry_count=3)
    again = tend_session(line.public_id)
    assert again is None or again - timezone.now() <= timedelta(seconds=80)
    # Up again by its own account, with nothing heard: the wait counts from then.
    back = timezone.now()
    condemn(line, state="connected", next_retry_at=None)
    Connection.objects.update(connected_at=back)
    assert timedelta(seconds=50) < tend_session(line.public_id) - back <= timedelta(seconds=80)
    assert len(restarts) == 1
    Incident.objects.update(detected_at=timezone.now() - tending.REVIVED_FOR)
    Connection.objects.update(connected_at=back - timedelta(hours=1))
    assert tend_session(line.public_id) is None or not is_dead(row_of(line))
    assert len(restarts) == 1


@pytest.mark.parametrize(
    "over",
    [
        {"wants_session": False},
        {"is_managed": False},
        {"is_active": False},
        {"quarantined_at": timezone.now()},
        {"state": "logged_out"},
        {"state": "banned"},
        {"health_streak": 1},
        {"health_signals": [{**UNPROVEN, "code": "open"}]},
        {"health_at": timezone.now() - timedelta(hours=1)},
        {"last_event_at": timezone.now() + timedelta(hours=1)},
        {"next_retry_at": timezone.now() + timedelta(hours=1)},
    ],
)
def test_no_other_session_is_disturbed(line, restarts, over):
    condemn(line)
    Connection.objects.update(**over)
    tend_session(line.public_id)
    assert not restarts


def test_without_an_open_incident_nothing_is_proven(line, restarts):
    condemn(line)
    Incident.objects.update(ended_at=timezone.now())
    tend_session(line.public_id)
    assert not restarts
