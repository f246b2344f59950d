"""Locks between processes."""

import threading
import time

import pytest

from evosense.core.locks import named_lock
from evosense.testing.threads import run_threads


def test_blocks_of_one_name_never_overlap(committed):
    inside, most, guard = [0], [0], threading.Lock()

    def work():
        with named_lock("tests"):
            with guard:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.02)
            with guard:
                inside[0] -= 1

    run_threads([work] * 4)
    assert most == [1]


def test_a_failed_block_gives_the_lock_back(committed):
    with pytest.raises(ValueError, match="x"), named_lock("tests"):
        raise ValueError("x")
    assert run_threads([lambda: named_lock("tests").__enter__()]) == [None]
