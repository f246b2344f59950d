import random

import pytest

from messaging.tests.ingest.rig import (
    MANIFEST,
    canonical,
    deliver_fixture,
    make_lines,
    work,
)

NAMES = [row["file"] for row in MANIFEST]


@pytest.fixture(scope="module")
def remembered():
    return {}


def final_state(names, size):
    lines = make_lines()
    for name in names:
        deliver_fixture(lines, name)
        if size == 1:
            work()
    work(size)
    return canonical()


@pytest.mark.parametrize("seed", [None, *range(6)])
@pytest.mark.parametrize("size", [1, 7, 200])
def test_order_repetition_and_batching_do_not_matter(tenant, remembered, seed, size):
    names = list(NAMES)
    if seed is not None:
        dice = random.Random(seed)
        names = names * 2
        dice.shuffle(names)
    state = final_state(names, size)
    for part, rows in state.items():
        assert rows == remembered.setdefault(part, rows), part
