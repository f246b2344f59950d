"""A server that hangs and one that is gone cost the numbers of a good one next to nothing."""

from datetime import datetime

from messaging.models import Outgoing
from messaging.tests.sender.proof import Line, Stage, wait_for

LINES, MESSAGES = 4, 12


def waits(lines: list[Line]) -> list[float]:
    """Seconds from the wish to the committed outcome, of each message of these lines."""
    keys = [line.connection.pk for line in lines]
    rows = Outgoing.objects.filter(connection__in=keys).values_list("created_at", "finished_at")
    return sorted((_both(row)[1] - _both(row)[0]).total_seconds() for row in rows)


def _both(row: tuple[datetime, datetime | None]) -> tuple[datetime, datetime]:
    assert row[1] is not None
    return row[0], row[1]


def p95_of_new_lines(stage: Stage) -> float:
    good, proof = stage.simulator(), stage.proof
    lines = proof.add_lines(good, lines=LINES, chats=3)
    for line in lines:
        proof.queue(line, MESSAGES)
    keys = [line.connection.pk for line in lines]
    unsettled = Outgoing.objects.filter(connection__in=keys).exclude(state="sent")
    wait_for(lambda: not unsettled.exists(), 90)
    found = waits(lines)
    return found[int(len(found) * 0.95)]


def test_the_good_server_is_as_quick_as_alone(stage: Stage):
    stage.nursery.sender()
    p95_of_new_lines(stage)
    alone = p95_of_new_lines(stage)
    hanging, dead = stage.simulator(name="hanging"), stage.simulator(name="dead")
    proof = stage.proof
    bad = [line for one in (hanging, dead) for line in proof.add_lines(one, lines=24, chats=1)]
    hanging.ask("faults", kind="hang", seconds=3600)
    dead.ask("cut", how="down")
    for line in bad:
        proof.queue(line, 1)
    wait_for(lambda: proof.states()["sending"] >= 10)
    beside = p95_of_new_lines(stage)
    # A thread that waits for a dead server waits a minute: this would be a hundred times as much.
    assert beside < 8 * alone, (beside, alone)
    assert max(hanging.journal()["at_once"].values()) <= 1
