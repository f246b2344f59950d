"""Connections between two requests: used again, left alone when they are no good, not too many."""

import threading
import time

import pytest

from evosense.core.http import Egress, EgressFailed
from evosense.core.tests.test_egress_door import LOCAL, answering, serving

AT_MOST = 30.0


def counting(ports: list[int], respond=None):
    """Answer, and note from which port of ours each request came."""

    def note(handler) -> None:
        ports.append(handler.client_address[1])
        (respond or answering())(handler)

    return note


def test_the_next_request_goes_over_the_same_connection() -> None:
    ports: list[int] = []
    with serving(counting(ports)) as server, Egress(LOCAL) as door:
        for _ in range(3):
            assert door.send("GET", server.url).status == 200
    assert len(set(ports)) == 1


def test_one_that_the_server_closed_is_not_used_again() -> None:
    ports: list[int] = []
    closing = answering(b"{}", 200, Connection="close")
    with serving(counting(ports, closing)) as server, Egress(LOCAL) as door:
        for _ in range(3):
            assert door.send("GET", server.url).status == 200
    assert len(set(ports)) == 3


def test_one_whose_answer_was_not_read_is_not_used_again() -> None:
    ports: list[int] = []
    with serving(counting(ports, answering(b"x" * 5_000_000))) as server, Egress(LOCAL) as door:
        with pytest.raises(EgressFailed):
            door.send("GET", server.url, longest=10)
        assert door.send("GET", server.url, longest=6_000_000).status == 200
    assert len(set(ports)) == 2


def test_one_that_waited_too_long_is_closed() -> None:
    ports: list[int] = []
    with serving(counting(ports)) as server, Egress(LOCAL, idle_seconds=4) as door:
        door.send("GET", server.url)
        ((_, shelved),) = next(iter(door._shelf._waiting.values()))
        stale = door._shelf._sweep(time.monotonic() + 5)
    assert stale == [shelved]
    assert door._shelf._waiting == {}


def test_requests_at_once_have_connections_of_their_own() -> None:
    ports: list[int] = []
    all_here = threading.Barrier(3, timeout=AT_MOST)

    def respond(handler) -> None:
        all_here.wait()
        answering()(handler)

    with serving(counting(ports, respond)) as server, Egress(LOCAL) as door:
        threads = [threading.Thread(target=door.send, args=("GET", server.url)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(AT_MOST)
    assert len(set(ports)) == 3


def test_who_finds_no_room_is_told_and_nothing_was_written() -> None:
    busy, free = threading.Event(), threading.Event()

    def respond(handler) -> None:
        busy.set()
        assert free.wait(AT_MOST)
        answering()(handler)

    with serving(respond) as server, Egress(LOCAL, connections=1) as door:
        first = threading.Thread(target=door.send, args=("GET", server.url))
        first.start()
        assert busy.wait(AT_MOST)
        with pytest.raises(EgressFailed) as refusal:
            door.send("GET", server.url, total_seconds=0.2)
        free.set()
        first.join(AT_MOST)
    assert refusal.value.code == "timed_out"
    assert not refusal.value.has_written
