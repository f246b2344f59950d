"""Rounds over all companies: everybody's turn, dead servers in their corner, lost watchers."""

import threading
import time
from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.utils import timezone

from evosense.core.schema import current_tenant, public_scope, tenant_scope
from evosense.testing.databases import ALPHA, BETA
from messaging.gateway.client.timing import PROBE_SECONDS
from messaging.gateway.models import EvolutionServer, Lane
from messaging.models import Connection
from messaging.services.health import look, watch
from messaging.services.health.watch import Due, Rota, claim, fairly, watch_round
from messaging.tests.health.rig import make_line, make_server

FAR = timedelta(hours=1)


def due(tenant: UUID, server: UUID | None = None) -> Due:
    return Due(uuid4(), tenant, server, timezone.now())


def test_each_company_comes_once_before_any_comes_twice() -> None:
    big, small = uuid4(), uuid4()
    order = fairly([*(due(big) for _ in range(50)), due(small), due(small)])
    assert [one.tenant_id for one in order[:4]] == [big, small, big, small]


def test_a_server_gets_few_looks_at_a_time_and_holds_up_nobody() -> None:
    slow, quick = uuid4(), uuid4()
    rota = Rota([*(due(uuid4(), slow) for _ in range(9)), due(uuid4(), quick)], of_one_server=2)
    until = time.monotonic() + 60
    taken = [rota.take(until) for _ in range(3)]
    assert sorted(one.server_id == slow for one in taken if one) == [False, True, True]
    assert rota.take(time.monotonic() + 0.3) is None, "the rest waits for the slow one"
    rota.done(next(one for one in taken if one and one.server_id == slow))
    again = rota.take(until)
    assert again is not None
    assert again.server_id == slow


def test_a_cut_shows_within_a_minute_whenever_it_happens() -> None:
    beat = 5.0
    longest = look.PAUSE + look.JITTER + look.SOON
    assert longest.total_seconds() + 2 * (beat + PROBE_SECONDS) <= 55


def test_two_watchers_never_hold_the_same_connection(committed, tenant) -> None:
    server = make_server("http://127.0.0.1:9")
    lines = {make_line(server).public_id for _ in range(20)}
    found: list[UUID] = []

    def take() -> None:
        found.extend(one.connection_id for one in claim(8))
        watch.connections.close_all()

    hands = [threading.Thread(target=take) for _ in range(4)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    found.extend(one.connection_id for one in claim(50))
    assert sorted(found) == sorted(lines)


def test_a_round_looks_at_every_company_inside_its_own_schema(committed, tenant) -> None:
    seen: dict[UUID, list[UUID]] = defaultdict(list)
    wanted: dict[UUID, list[UUID]] = {}
    for company in (ALPHA, BETA):
        with tenant_scope(company):
            server = make_server("http://127.0.0.1:9")
            wanted[company.id] = [make_line(server).public_id for _ in range(3)]

    def act(public_id: UUID) -> datetime:
        assert Connection.objects.filter(public_id=public_id).exists()
        seen[current_tenant().id].append(public_id)
        return timezone.now() + FAR

    assert watch_round(act=act) == 6
    assert {one: sorted(ids) for one, ids in seen.items()} == {
        one: sorted(ids) for one, ids in wanted.items()
    }
    assert watch_round(act=act) == 0, "nothing is due"


def test_a_dead_server_costs_the_others_nothing(committed, tenant) -> None:
    dead, alive = make_server("http://127.0.0.1:9"), make_server("http://127.0.0.1:10")
    slow = {make_line(dead).public_id for _ in range(12)}
    quick = {make_line(alive).public_id for _ in range(12)}
    claim(0)
    with public_scope():
        Lane.objects.filter(pk__in=slow).update(server=dead)
        Lane.objects.filter(pk__in=quick).update(server=alive)
    seen: list[UUID] = []
    waited: list[bool] = []
    all_quick = threading.Event()

    def act(public_id: UUID) -> datetime:
        if public_id in slow:
            waited.append(all_quick.wait(30))
        seen.append(public_id)
        if quick <= set(seen):
            all_quick.set()
        return timezone.now() + FAR

    watch_round(act=act)
    assert all(waited), "all quick ones were done before the first slow one"
    assert len(seen) == 24


def test_a_look_that_breaks_is_tried_again_and_blinds_nobody(committed, tenant) -> None:
    server = make_server("http://127.0.0.1:9")
    bad, good = make_line(server).public_id, make_line(server).public_id

    def act(public_id: UUID) -> datetime:
        if public_id == bad:
            raise RuntimeError("a bug")
        return timezone.now() + FAR

    assert watch_round(act=act) == 1
    with public_scope():
        again = dict(Lane.objects.values_list("pk", "watch_at"))
    assert again[bad] < timezone.now() + watch.CLAIM
    assert again[good] > timezone.now() + watch.CLAIM


def test_who_asks_for_an_earlier_look_meanwhile_gets_it(committed, tenant) -> None:
    line = make_line(make_server("http://127.0.0.1:9"))

    def act(public_id: UUID) -> datetime:
        with public_scope():
            Lane.objects.filter(pk=public_id).update(watch_at=timezone.now())
        return timezone.now() + FAR

    watch_round(act=act)
    assert [one.connection_id for one in claim()] == [line.public_id]


def test_a_lane_learns_of_its_server(committed, tenant) -> None:
    server = make_server("http://127.0.0.1:9")
    line = make_line(server)
    claim(0)
    watch_round()
    with public_scope():
        assert Lane.objects.get(pk=line.public_id).server_id == server.pk
        assert EvolutionServer.objects.values_list("breaker_failures", flat=True).get() == 1
