"""Counting is dear for a server's database, so its numbers share one answer."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import Evolution
from messaging.gateway.models import EvolutionServer
from messaging.models import Connection
from messaging.services.health import counting, probe
from messaging.services.health.suspects import Suspects
from messaging.tests.health.rig import Simulator, kinds, looks, make_server, open_line

ALL = ""


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(probe, "_suspects", Suspects())
    monkeypatch.setattr(counting, "shared", counting.Counts(made))
    return made


@pytest.fixture
def lists(monkeypatch) -> list[str]:
    """Which instances a server was asked to list, in order; `ALL` is every one."""
    seen: list[str] = []
    ask = Evolution.fetch_instances

    def call(self: Evolution, admin: Any, *, name: str = ALL, **options: Any) -> Any:
        seen.append(name)
        return ask(self, admin, name=name, **options)

    monkeypatch.setattr(Evolution, "fetch_instances", call)
    return seen


@pytest.fixture
def lines(tenant, redis_db, sim: Simulator, lists) -> list[Connection]:
    """Numbers of one server that were quiet for a minute."""
    server = make_server(sim.url)
    made = [open_line(sim, server) for _ in range(5)]
    ago = timezone.now() - timedelta(minutes=1)
    Connection.objects.update(connected_at=ago, last_event_at=ago)
    return made


def test_the_numbers_of_a_server_share_one_answer(lines, lists, clock: Clock) -> None:
    for line in lines:
        looks(line)
    assert lists == [lines[0].instance, ALL]
    lists.clear()
    for _round in range(3):
        clock.now += counting.KEPT + 1
        for line in lines:
            looks(line)
    assert lists == [ALL] * 3
    health = Connection.objects.values_list("health", flat=True)
    assert set(health) == {"healthy"}


def test_a_number_alone_at_a_server_is_asked_for_alone(lines, lists, clock: Clock) -> None:
    for _round in range(3):
        looks(lines[0])
        clock.now += counting.REMEMBERED
    looks(lines[1])
    assert lists == [lines[0].instance] * 3 + [lines[1].instance]


def test_a_silent_cut_is_found_in_the_answer_for_all(
    lines, lists, clock: Clock, sim: Simulator
) -> None:
    for line in lines:
        looks(line)
    cut = lines[3]
    sim.post("/_sim/cut", {"instance": cut.instance, "how": "silent"})
    sim.write(cut.instance, 1, ago=31)
    clock.now += counting.KEPT + 1
    found = [looks(line, 2) for line in lines]
    assert [kinds(line) for line in found] == [
        {"webhook"} if line.pk == cut.pk else set() for line in found
    ]


@pytest.mark.parametrize("reason", ["no_key", "timed_out"])
def test_a_server_that_does_not_list_all_is_asked_for_each(
    lines, lists, clock: Clock, monkeypatch, reason: str
) -> None:
    if reason == "no_key":
        Connection.objects.update(api_key="simulator-key")
        EvolutionServer.objects.update(api_key=None)
    else:
        ask = Evolution.fetch_instances

        def fail(self: Evolution, admin: Any, *, name: str = ALL, **options: Any) -> Any:
            if name == ALL:
                raise EvolutionError("timed_out", can_retry=True)
            return ask(self, admin, name=name, **options)

        monkeypatch.setattr(Evolution, "fetch_instances", fail)
    found = [looks(line) for line in lines]
    names = [line.instance for line in lines]
    assert lists == names
    assert {line.health for line in found} == {"healthy"}
    clock.now += counting.KEPT + 1
    looks(lines[2])
    assert lists == [*names, names[2]]
