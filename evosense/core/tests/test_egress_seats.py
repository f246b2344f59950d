"""A server that hangs has some seats at the door and no more; others go on beside it."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

import pytest

from evosense.core import http
from evosense.core.http import Answer, Egress, EgressFailed, Seats
from evosense.core.schema import TenantRef, tenant_scope
from evosense.core.tests.test_egress_door import LOCAL, Server, answering, serving

WAIT = 0.2
ALPHA, BETA = (TenantRef(UUID(int=n), f"t_{n}", f"n{n}") for n in (1, 2))


@contextmanager
def hanging() -> Iterator[tuple[Server, threading.Event]]:
    """A server that answers nobody before the event."""
    is_over = threading.Event()

    def respond(handler) -> None:
        is_over.wait(60)
        answering(b"late")(handler)

    with serving(respond) as server:
        try:
            yield server, is_over
        finally:
            is_over.set()


@contextmanager
def door_with(**limits: int) -> Iterator[Egress]:
    with Egress(LOCAL, seats=Seats(wait_seconds=WAIT, **limits)) as door:
        yield door


def ask(door: Egress, url: str) -> Answer:
    return door.send("GET", url, total_seconds=60)


def inside(tenant: TenantRef, door: Egress, url: str) -> Answer:
    with tenant_scope(tenant):
        return ask(door, url)


def is_seen(server: Server, number: int) -> None:
    until = time.monotonic() + 60
    while len(server.seen) < number:
        assert time.monotonic() < until
        time.sleep(0.01)


def refusal(act: Callable[[], Answer]) -> EgressFailed:
    with pytest.raises(EgressFailed) as found:
        act()
    return found.value


def test_a_server_that_hangs_keeps_its_seats_and_no_others() -> None:
    with (
        hanging() as (slow, is_over),
        serving(answering(b"here")) as good,
        ThreadPoolExecutor(3) as pool,
        door_with(of_host=2) as door,
    ):
        waiting: list[Future[Answer]] = [pool.submit(ask, door, slow.url) for _ in range(2)]
        is_seen(slow, 2)
        begun = time.monotonic()
        busy = refusal(lambda: ask(door, slow.url))
        assert (busy.code, busy.has_written) == ("egress_busy", False)
        assert str(busy.reason)
        assert WAIT <= time.monotonic() - begun < 30
        assert ask(door, good.url).body == b"here"
        assert len(slow.seen) == 2, "the third never left"
        is_over.set()
        assert [one.result(60).body for one in waiting] == [b"late"] * 2
        assert ask(door, slow.url).body == b"late"


def test_whoever_waits_sits_down_when_somebody_rises() -> None:
    seats = Seats(of_host=1, wait_seconds=10)
    with (
        hanging() as (slow, is_over),
        ThreadPoolExecutor(1) as pool,
        Egress(LOCAL, seats=seats) as door,
    ):
        first = pool.submit(ask, door, slow.url)
        is_seen(slow, 1)
        threading.Timer(0.1, is_over.set).start()
        assert ask(door, slow.url).body == b"late"
        assert first.result(60).body == b"late"


def test_one_company_cannot_fill_the_door_with_many_slow_servers() -> None:
    with (
        hanging() as (one, _over),
        hanging() as (two, _over_too),
        serving(answering(b"here")) as good,
        ThreadPoolExecutor(2) as pool,
        door_with(of_host=5, of_tenant=2) as door,
    ):
        for slow in (one, two):
            pool.submit(inside, ALPHA, door, slow.url)
            is_seen(slow, 1)
        assert refusal(lambda: inside(ALPHA, door, good.url)).code == "egress_busy"
        assert inside(BETA, door, good.url).body == b"here"
        assert ask(door, good.url).body == b"here"
        _over.set()
        _over_too.set()


def test_a_request_that_fails_gives_its_seat_back() -> None:
    with door_with(of_host=1, of_tenant=1) as door:
        for _ in range(3):
            assert refusal(lambda: inside(ALPHA, door, "http://127.0.0.1:9/")).code != "egress_busy"
        assert not door._seats._taken


def test_single_requests_share_their_seats(monkeypatch) -> None:
    seats = Seats(of_host=1, wait_seconds=WAIT)
    monkeypatch.setattr(http, "_SEATS", seats)
    with hanging() as (slow, is_over), ThreadPoolExecutor(1) as pool:
        first = pool.submit(http.send, "GET", slow.url, total_seconds=60)
        is_seen(slow, 1)
        assert refusal(lambda: http.send("GET", slow.url)).code == "egress_busy"
        is_over.set()
        assert first.result(60).body == b"late"


def test_a_child_process_begins_with_free_seats() -> None:
    seats = Seats(of_host=1, wait_seconds=0)
    with seats.taken("a", 1, seconds=1), seats._changed:
        child = os.fork()
        if not child:
            # Whatever happens, this copy of the test run must not go on.
            try:
                seats.clear()
                with seats.taken("a", 1, seconds=1):
                    os._exit(7)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
