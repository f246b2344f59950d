"""Kills and hangs real processes under load; what was acknowledged must be in the database."""

import signal
import time
from collections import Counter
from uuid import uuid4

import psycopg
import pytest

from messaging.tests.receiver.load import Running, body_of
from messaging.tests.receiver.servers import Line, wait_until

pytestmark = pytest.mark.chaos
EVENT = {"event": "messages.upsert", "instance": "evs-1", "data": {"key": {"id": "A1"}}}


@pytest.fixture
def line(cluster):
    return cluster.add_route()


@pytest.fixture
def load(line, tmp_path):
    """Return a function that starts a load on a receiver: 32 clients, 300 requests/s."""

    def start(receiver):
        return Running(
            tmp_path,
            port=receiver.port,
            path=line.path,
            token=line.token,
            clients=32,
            rate=300,
            seconds=150,
        )

    return start


def spooled(receiver):
    return list((receiver.directory / "spool").glob("*.spool"))


def assert_nothing_is_missing(cluster, acknowledged, receiver):
    wait_until(lambda: not spooled(receiver))
    stored = Counter(cluster.message_ids())
    assert len(acknowledged) > 20
    assert set(acknowledged) - set(stored) == set()
    # Rows may repeat, but only those whose commit missed its deadline: few on a quiet machine.
    assert sum(stored.values()) - len(stored) <= max(64, len(acknowledged) // 2)


def test_kill_of_the_receiver_loses_nothing(cluster, start_receiver, load):
    receiver = start_receiver()
    running = load(receiver)
    running.goes_on()
    receiver.kill()
    receiver.start()
    running.goes_on()
    report, acknowledged = running.finish(early=True)
    assert set(report["answers"]) <= {"200", "cut", "refused", "503"}
    assert_nothing_is_missing(cluster, acknowledged, receiver)


def test_kill_of_the_database_loses_nothing(cluster, start_receiver, load):
    receiver = start_receiver()
    running = load(receiver)
    running.goes_on()
    cluster.kill()
    running.goes_on()
    assert spooled(receiver)
    cluster.start()
    running.goes_on()
    report, acknowledged = running.finish(early=True)
    assert set(report["answers"]) == {"200"}
    assert_nothing_is_missing(cluster, acknowledged, receiver)


def test_hung_database_costs_one_deadline(cluster, start_receiver, load):
    receiver = start_receiver()
    running = load(receiver)
    running.goes_on()
    cluster.signal(signal.SIGSTOP)
    try:
        time.sleep(4.5)
        running.goes_on()
    finally:
        cluster.signal(signal.SIGCONT)
    report, acknowledged = running.finish(early=True)
    assert set(report["answers"]) == {"200"}
    # Milliseconds: nobody waited until the database went on.
    assert report["worst"] < 3_500
    assert_nothing_is_missing(cluster, acknowledged, receiver)


def test_killed_while_spooling_and_two_on_one_directory(cluster, line, start_receiver, tmp_path):
    spool = tmp_path / "shared"
    one, two = (start_receiver(name, RECEIVER_SPOOL_DIR=str(spool)) for name in ("one", "two"))
    cluster.kill()
    names = [f"S{number}" for number in range(20)]
    for number, name in enumerate(names):
        body = {**EVENT, "data": {"key": {"id": name}}}
        assert (one, two)[number % 2].send(line, body).status == 200
    one.kill()
    # No database: the tokens come from disk, and the spool of the dead process waits.
    one.start()
    assert one.send(line, EVENT).status == 200
    cluster.start()
    wait_until(lambda: not list(spool.iterdir()))
    assert sorted(cluster.message_ids()) == sorted([*names, "A1"])


def test_without_any_sink_the_answer_is_503(cluster, line, start_receiver):
    small = start_receiver("small", RECEIVER_SPOOL_LIMIT="3000")
    none = start_receiver("none", RECEIVER_SPOOL_DIR="off")
    broken = start_receiver("broken", RECEIVER_SPOOL_DIR="/dev/null/spool")
    cluster.kill()
    try:
        body = body_of(900, "evs-1")
        answers = [small.send(line, body) for _ in range(6)]
        assert sorted({answer.status for answer in answers}) == [200, 503]
        for receiver in (none, broken):
            answer = receiver.send(line, EVENT)
            assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    finally:
        cluster.start()
    for receiver in (none, broken):
        wait_until(lambda receiver=receiver: receiver.send(line, EVENT).status == 200)
    wait_until(lambda: not spooled(small))


def test_who_may_be_new_is_asked_to_come_back_while_the_database_is_away(
    cluster, line, start_receiver
):
    receiver = start_receiver()
    cluster.kill()
    try:
        unknown = Line(uuid4(), uuid4(), "evs-9", "u" * 43)
        answers = [receiver.send(unknown, EVENT) for _ in range(3)]
        assert {(one.status, one.headers["retry-after"]) for one in answers} == {(503, "5")}
        assert receiver.post("/hooks/evo/none", {}).status == 404
        assert receiver.send(line, EVENT).status == 200
    finally:
        cluster.start()
    made = cluster.add_route("evs-10")
    assert receiver.send(made, EVENT).status == 200
    assert receiver.send(unknown, EVENT).status == 404


def test_database_that_refuses_or_stalls_writes_means_spool(cluster, line, start_receiver):
    receiver = start_receiver()
    cluster.execute("ALTER TABLE webhook_events RENAME TO gone")
    assert receiver.send(line, EVENT).status == 200
    assert spooled(receiver)
    cluster.execute("ALTER TABLE gone RENAME TO webhook_events")
    wait_until(lambda: len(cluster.message_ids()) == 1)
    with psycopg.connect(cluster.url) as blocker:
        blocker.execute("LOCK TABLE webhook_events IN ACCESS EXCLUSIVE MODE")
        # Answered while the lock is still held.
        assert receiver.send(line, EVENT).status == 200
    wait_until(lambda: len(cluster.message_ids()) == 2)
