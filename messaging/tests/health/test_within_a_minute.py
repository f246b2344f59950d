"""The promise of the watch, with its real periods: cut to incident, return to what was missed."""

import time
from collections.abc import Callable

from django.db.models import QuerySet
from django.utils import timezone

from evosense.core.schema import public_scope
from messaging.gateway.models import EvolutionServer, Lane
from messaging.models import Connection, GapRepair, Incident, Message
from messaging.services.gaps import run_repair
from messaging.services.health import probe
from messaging.services.health.suspects import Suspects
from messaging.services.health.watch import watch_round
from messaging.tests.health.rig import Simulator, make_server, open_line, simulator

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


def test_cut_numbers_have_their_incidents_within_a_minute_and_their_gaps_are_repaired(
    committed, tenant, sim: Simulator, monkeypatch
) -> None:
    """Both ways of a cut at once, each at a server of its own: the periods are long."""
    monkeypatch.setattr(probe, "_suspects", Suspects())
    with simulator() as second:
        cuts = {"down": Cut(sim, "down"), "close": Cut(second, "close")}
        Connection.objects.update(wants_session=True, is_managed=True)
        until(lambda: all(cut.line().health == "healthy" for cut in cuts.values()), 30)
        for cut in cuts.values():
            cut.begin()
        assert until(lambda: all(cut.incidents().exists() for cut in cuts.values()), 60) < 60
        for cut in cuts.values():
            cut.end()
        with public_scope():
            EvolutionServer.objects.update(breaker="closed", breaker_failures=0, breaker_until=None)
            Lane.objects.update(watch_at=timezone.now())
        until(lambda: not Incident.objects.filter(ended_at=None).exists(), 120)
        for cut in cuts.values():
            cut.is_repaired()


class Cut:
    """A connection whose server is cut off in one way, while customers go on writing."""

    def __init__(self, sim: Simulator, how: str) -> None:
        self.sim, self.how = sim, how
        self.made = open_line(sim, make_server(sim.url, name=how))

    def line(self) -> Connection:
        return Connection.objects.get(pk=self.made.pk)

    def begin(self) -> None:
        cut = {"instance": self.made.instance, "how": self.how, "refuse": None}
        self.sim.post("/_sim/cut", cut)

    def incidents(self) -> QuerySet[Incident]:
        return Incident.objects.filter(connection=self.made, ended_at=None)

    def end(self) -> None:
        self.sim.write(self.made.instance, 4, ago=10)
        self.sim.post("/_sim/heal", {"instance": self.made.instance})

    def is_repaired(self) -> None:
        assert run_repair(GapRepair.objects.get(connection=self.made).pk) == "done"
        assert Message.objects.filter(connection=self.made).count() == 4
        assert Incident.objects.get(connection=self.made).recovered == 4
