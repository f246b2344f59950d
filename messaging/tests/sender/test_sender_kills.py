"""Senders, connections to the database and Redis die at any moment under load."""

import json
import os
import random
import subprocess
import sys
import time

import pytest
from django.conf import settings

from evosense.core.schema import database_cursor
from evosense.core.streams import redis_client
from messaging.tests.sender.proof import Stage, nursery_of_test_database, wait_for

# The senders' own: they work as another role than the test.
CUT_OFF = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND usename <> current_user
"""
KILLS = int(os.environ.get("EVOSENSE_SENDER_KILLS", "5"))


def kill_at_random(stage: Stage, rounds: int, die: random.Random) -> None:
    """Two senders all the time; one of them, at some moment, is killed and replaced."""
    senders = [stage.nursery.sender(), stage.nursery.sender()]
    for _ in range(rounds):
        time.sleep(die.uniform(0.05, 0.5))
        senders.pop(die.randrange(2)).kill()
        senders.append(stage.nursery.sender())


def fill(stage: Stage, version: str, *, lines: int, messages: int) -> None:
    """Messages for a server that is slow, loses answers and fails, each now and then."""
    simulator = stage.simulator(version)
    for line in stage.proof.add_lines(simulator, lines=lines, chats=3):
        stage.proof.queue(line, messages)
    simulator.ask("faults", kind="delay", seconds=0.05)
    odd = {"probability": 0.04}
    for kind in ("lost_answer", "late_answer", "connection_closed"):
        simulator.ask("faults", kind=kind, seconds=0.2, status=400, count=lines * 3, **odd)
    for kind, status in (("failed_answer", 400), ("failed_answer", 504), ("5xx", 500)):
        simulator.ask("faults", kind=kind, status=status, count=lines * 2, **odd)


@pytest.mark.parametrize("version", ["2.3.7", "2.4.0-rc2"])
def test_kills_at_any_moment_lose_and_repeat_nothing(stage: Stage, version: str):
    fill(stage, version, lines=4, messages=8)
    kill_at_random(stage, 4, random.Random(7))
    stage.proof.wait_until_final()
    stage.proof.assert_each_once(stage.simulator(version))


@pytest.mark.chaos
@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", ["2.3.7", "2.4.0-rc2"])
def test_many_kills_over_many_connections(stage: Stage, version: str):
    """CI kills a few times; EVOSENSE_SENDER_KILLS=50 takes a minute and more each."""
    fill(stage, version, lines=min(24, 2 * KILLS), messages=min(60, 5 * KILLS))
    kill_at_random(stage, KILLS, random.Random(11))
    stage.proof.wait_until_final(400)
    stage.proof.assert_each_once(stage.simulator(version))


def test_a_database_that_drops_its_connections_costs_nothing(stage: Stage):
    fill(stage, "2.3.7", lines=4, messages=12)
    stage.nursery.sender()
    wait_for(lambda: stage.proof.states()["sent"])
    cut = 0
    for _ in range(6):
        time.sleep(0.3)
        with database_cursor() as cursor:
            cursor.execute(CUT_OFF)
            cut += cursor.fetchone()[0]
    assert cut
    stage.proof.wait_until_final()
    stage.proof.assert_each_once(stage.simulator())


@pytest.mark.chaos
@pytest.mark.timeout(400)
def test_a_database_that_is_killed_three_times_costs_nothing(tmp_path):
    tmp_path.chmod(0o755)
    outcome = subprocess.run(
        [sys.executable, "-m", "messaging.tests.sender.database_kills", str(tmp_path)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "evosense.settings.dev"},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr[-3000:]
    found = json.loads(outcome.stdout)
    assert found["shown"] == found["wanted"]
    assert set(found["states"]) == {"sent"}


def test_redis_is_not_needed(stage: Stage, tmp_path):
    fill(stage, "2.3.7", lines=2, messages=6)
    redis_client().flushdb()
    with nursery_of_test_database(tmp_path, REDIS_URL="redis://127.0.0.1:1/0") as without:
        without.sender()
        stage.proof.wait_until_final()
    stage.proof.assert_each_once(stage.simulator())


def test_a_sender_that_is_asked_to_end_leaves_nothing_open(stage: Stage):
    simulator, proof = stage.simulator(), stage.proof
    lines = proof.add_lines(simulator, lines=4, chats=3)
    for line in lines:
        proof.queue(line, 8)
    simulator.ask("faults", kind="delay", seconds=0.1)
    sender = stage.nursery.sender()
    wait_for(lambda: proof.states()["sent"] > 8)
    sender.stop()
    assert proof.states()["sending"] == 0
    assert proof.states()["unknown"] == 0
    stage.nursery.sender()
    proof.wait_until_final()
    proof.assert_each_once(simulator)
