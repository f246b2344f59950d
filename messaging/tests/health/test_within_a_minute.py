"""The promise of the watch, with its real periods: cut to incident, return to what was missed."""

import time
from collections.abc import Callable

import pytest
from django.utils import timezone

from evosense.core.schema import public_scope
from messaging.gateway.models import EvolutionServer, Lane
from messaging.models import Connection, GapRepair, Incident, Message
from messaging.services.gaps import run_repair
from messaging.services.health import probe
from messaging.services.health.suspects import Suspects
from messaging.services.health.watch import watch_round
from messaging.tests.health.rig import Simulator, make_server, open_line

BEAT = 5.0


def until(is_true: Callable[[], bool], seconds: float) -> float:
    """Watch at the real beat until something is so; returns after how many seconds."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        begun = time.monotonic()
        watch_round()
        if is_true():
            return time.monotonic() - start
        time.sleep(max(0.0, BEAT - (time.monotonic() - begun)))
    raise AssertionError(f"not within {seconds} s")


@pytest.mark.parametrize("how", ["down", "close"])
def test_a_cut_number_has_its_incident_within_a_minute_and_its_gap_is_repaired(
    committed, tenant, sim: Simulator, monkeypatch, how: str
) -> None:
    monkeypatch.setattr(probe, "_suspects", Suspects())
    line = open_line(sim, make_server(sim.url))
    Connection.objects.update(wants_session=True, is_managed=True)
    until(lambda: Connection.objects.get().health == "healthy", 30)
    sim.post("/_sim/cut", {"instance": line.instance, "how": how, "refuse": None})
    spent = until(lambda: Incident.objects.filter(ended_at=None).exists(), 60)
    assert spent < 60
    sim.write(line.instance, 4, ago=10)
    sim.post("/_sim/heal", {"instance": line.instance})
    with public_scope():
        EvolutionServer.objects.update(breaker="closed", breaker_failures=0, breaker_until=None)
        Lane.objects.update(watch_at=timezone.now())
    until(lambda: not Incident.objects.filter(ended_at=None).exists(), 120)
    assert run_repair(GapRepair.objects.get().pk) == "done"
    assert Message.objects.count() == 4
    assert Incident.objects.get().recovered == 4
