"""A sender dies at every named place, and whatever goes on after it loses and repeats nothing."""

import pytest

from messaging.sender import points
from messaging.tests.sender.proof import Stage

CHECKS = (points.BEFORE_CHECK, points.AFTER_CHECK)


@pytest.mark.parametrize("point", points.ALL)
@pytest.mark.parametrize("version", ["2.3.7", "2.4.0-rc2"])
def test_a_death_at_any_place_costs_nothing(stage: Stage, point: str, version: str):
    simulator, proof = stage.simulator(version), stage.proof
    for line in proof.add_lines(simulator, lines=2, chats=2):
        proof.queue(line, 4)
    if point in CHECKS:
        simulator.ask("faults", kind="lost_answer", count=1, seconds=0)
    dying = stage.nursery.sender(dies_at=point if point in CHECKS else f"{point}:3")
    assert dying.wait() == -9
    assert set(proof.states()) != {"sent"}
    stage.nursery.sender()
    proof.wait_until_final()
    proof.assert_each_once(simulator)


# What the dead sender was told, or would have been told, of its last message.
FATES = [
    {"kind": "lost_answer", "seconds": 0},
    {"kind": "failed_answer", "status": 500},
    {"kind": "failed_answer", "status": 400},
    {"kind": "5xx", "status": 502},
    {"kind": "5xx", "status": 504},
    {"kind": "connection_closed", "status": 400},
    {"kind": "connection_closed", "status": 500},
    {"kind": "hang", "seconds": 1.5},
    {"kind": "license"},
]


@pytest.mark.parametrize("fate", FATES, ids=lambda fate: f"{fate['kind']}-{fate.get('status', '')}")
def test_a_death_after_any_answer_costs_nothing(stage: Stage, fate: dict):
    simulator, proof = stage.simulator(), stage.proof
    for line in proof.add_lines(simulator, lines=2, chats=2):
        proof.queue(line, 6)
    simulator.ask("faults", **fate, count=4, probability=0.5)
    assert stage.nursery.sender(dies_at=f"{points.AFTER_ANSWER}:4").wait() == -9
    stage.nursery.sender()
    proof.wait_until_final()
    proof.assert_each_once(simulator)
