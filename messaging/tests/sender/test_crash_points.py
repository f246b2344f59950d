"""A sender dies at every named place, and whatever goes on after it loses and repeats nothing."""

import pytest

from messaging.sender import points
from messaging.tests.sender.proof import Stage

# Of a machine that others use too; a quiet one needs a few seconds.
pytestmark = pytest.mark.timeout(400)

CHECKS = (points.BEFORE_CHECK, points.AFTER_CHECK)
VERSIONS = pytest.mark.parametrize("version", ["2.3.7", "2.4.0-rc2"])


@VERSIONS
def test_deaths_at_all_places_one_after_another_cost_nothing(stage: Stage, version: str):
    simulator, proof = stage.simulator(version), stage.proof
    for line in proof.add_lines(simulator, lines=12, chats=2):
        proof.queue(line, 3)
    # What the first ones leave behind is what the last ones look for.
    for point in points.ALL:
        assert stage.nursery.sender(dies_at=point).wait() == -9, point
    stage.nursery.sender()
    proof.wait_until_final()
    proof.assert_each_once(simulator)


@pytest.mark.chaos
@VERSIONS
@pytest.mark.parametrize("point", points.ALL)
@pytest.mark.parametrize("time", [1, 3])
def test_a_death_at_any_place_costs_nothing(stage: Stage, point: str, version: str, time: int):
    simulator, proof = stage.simulator(version), stage.proof
    for line in proof.add_lines(simulator, lines=2, chats=2):
        proof.queue(line, 4)
    if point in CHECKS:
        simulator.ask("faults", kind="lost_answer", count=3, seconds=0)
    dying = stage.nursery.sender(dies_at=f"{point}:{time}")
    assert dying.wait() == -9
    stage.nursery.sender()
    proof.wait_until_final()
    proof.assert_each_once(simulator)


def _fate(kind: str, *marks: pytest.MarkDecorator, **more: float):
    return pytest.param({"kind": kind, **more}, marks=marks, id=f"{kind}-{more.get('status', '')}")


# What the dead sender was told, or would have been told, of its last message.
@pytest.mark.parametrize(
    "fate",
    [
        _fate("lost_answer", seconds=0),
        _fate("5xx", status=504),
        _fate("connection_closed", status=400),
        _fate("failed_answer", pytest.mark.chaos, status=500),
        _fate("failed_answer", pytest.mark.chaos, status=400),
        _fate("5xx", pytest.mark.chaos, status=502),
        _fate("connection_closed", pytest.mark.chaos, status=500),
        _fate("hang", pytest.mark.chaos, seconds=1.5),
        _fate("license", pytest.mark.chaos),
    ],
)
def test_a_death_after_any_answer_costs_nothing(stage: Stage, fate: dict):
    simulator, proof = stage.simulator(), stage.proof
    for line in proof.add_lines(simulator, lines=2, chats=2):
        proof.queue(line, 6)
    simulator.ask("faults", **fate, count=4, probability=0.5)
    assert stage.nursery.sender(dies_at=f"{points.AFTER_ANSWER}:4").wait() == -9
    stage.nursery.sender()
    proof.wait_until_final()
    proof.assert_each_once(simulator)


@pytest.mark.parametrize("point", [points.BEFORE_INTENT, points.AFTER_ANSWER, points.AFTER_SETTLE])
def test_a_death_between_the_steps_of_many_lanes_costs_nothing(stage: Stage, point: str):
    """Twelve lanes begin and settle together, so one death meets all of them at once."""
    simulator, proof = stage.simulator(), stage.proof
    for line in proof.add_lines(simulator, lines=12, chats=2):
        proof.queue(line, 3)
    simulator.ask("faults", kind="delay", seconds=0.05)
    assert stage.nursery.sender(dies_at=f"{point}:18").wait() == -9
    stage.nursery.sender()
    proof.wait_until_final()
    proof.assert_each_once(simulator)
