import time

import numpy as np
import pytest

from analytics.experiments.statistics import bootstrap as b
from analytics.experiments.statistics.classes import one_hot_pairs, weighted_kappa_of


def hits(chance, items, right):
    """Return rows of (right, 1)."""
    return np.column_stack([chance.random(items) < right, np.ones(items)]).astype(np.float64)


def test_the_same_seed_gives_the_same_interval():
    chance = np.random.default_rng(1)
    base, cand = hits(chance, 200, 0.7), hits(chance, 200, 0.8)
    clusters = np.arange(200) // 3
    first = b.difference(clusters, base, cand, b.share, seed=7)
    assert first == b.difference(clusters, base, cand, b.share, seed=7)
    assert first != b.difference(clusters, base, cand, b.share, seed=8)


def test_the_estimate_is_the_plain_difference():
    chance = np.random.default_rng(2)
    base, cand = hits(chance, 300, 0.6), hits(chance, 300, 0.75)
    found = b.difference(np.arange(300), base, cand, b.share, seed=1)
    assert found.estimate == pytest.approx(cand[:, 0].mean() - base[:, 0].mean())
    assert found.low < found.estimate < found.high


def test_equal_sides_differ_by_nothing():
    items = hits(np.random.default_rng(3), 100, 0.5)
    found = b.difference(np.arange(100), items, items, b.share, seed=1)
    assert (found.estimate, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_no_p_is_smaller_than_one_draw():
    base, cand = np.tile([0.0, 1.0], (60, 1)), np.tile([1.0, 1.0], (60, 1))
    assert b.difference(np.arange(60), base, cand, b.share, seed=1).p == 1 / b.RESAMPLES


def test_messages_of_one_conversation_are_drawn_together():
    """Ten conversations of 40 alike messages know as much as ten messages."""
    chance = np.random.default_rng(4)
    ten = hits(chance, 10, 0.5)
    many = np.repeat(ten, 40, axis=0)
    alone = b.interval(np.arange(10), ten, b.share, seed=5)
    together = b.interval(np.repeat(np.arange(10), 40), many, b.share, seed=5)
    independent = b.interval(np.arange(400), many, b.share, seed=5)
    assert (together.low, together.high) == (alone.low, alone.high)
    assert independent.high - independent.low < 0.4 * (together.high - together.low)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    held = 0
    for seed in range(200):
        items = hits(np.random.default_rng(seed), 120, 0.7)
        found = b.interval(np.arange(120), items, b.share, seed=seed, resamples=800)
        held += found.low <= 0.7 <= found.high
    assert 0.89 <= held / 200 <= 0.99


def test_a_metric_of_matrices_is_drawn_like_any_other():
    chance = np.random.default_rng(6)
    truth = chance.integers(0, 5, 300)
    near = np.clip(truth + chance.integers(-1, 2, 300), 0, 4)
    wild = chance.integers(0, 5, 300)

    def kappa(totals):
        return weighted_kappa_of(totals.reshape(-1, 5, 5))

    base, cand = one_hot_pairs(truth, wild, 5), one_hot_pairs(truth, near, 5)
    found = b.difference(np.arange(300), base, cand, kappa, seed=1, resamples=2000)
    assert found.low > 0.5
    assert found.p < 0.01


def test_nothing_has_no_interval():
    none = np.empty((0, 2))
    assert b.interval(np.empty(0, dtype=np.int64), none, b.share, seed=1) is None
    assert b.quantile_difference([], [1.0], 0.95, seed=1) is None
    zeros = np.zeros((5, 2))
    assert b.interval(np.arange(5), zeros, b.share, seed=1) is None


def test_quantiles_are_values_that_were_seen():
    ordered = np.arange(1.0, 21.0)
    assert b.quantile(ordered, 0.95) == 19
    assert b.quantile(ordered, 0.5) == 10
    assert b.quantile(np.array([3.0]), 0.99) == 3


def test_a_slower_side_is_found_by_its_quantile():
    chance = np.random.default_rng(8)
    base, cand = chance.gamma(2, 100, 500), chance.gamma(2, 160, 500)
    found = b.quantile_difference(base, cand, 0.95, seed=3)
    assert 0 < found.low < found.estimate < found.high
    assert b.quantile_difference(base, base, 0.95, seed=3).p > 0.5


def test_drawing_order_statistics_equals_drawing_items():
    chance = np.random.default_rng(9)
    values = np.sort(chance.gamma(2, 100, 80))
    plain = [b.quantile(np.sort(chance.choice(values, values.size)), 0.9) for _ in range(4000)]
    short = b._quantiles(values, 0.9, chance, 4000)
    assert np.mean(short) == pytest.approx(np.mean(plain), rel=0.02)
    assert np.std(short) == pytest.approx(np.std(plain), rel=0.1)


def test_five_hundred_items_take_a_fraction_of_a_second():
    chance = np.random.default_rng(10)
    base, cand = hits(chance, 500, 0.7), hits(chance, 500, 0.8)
    b.difference(np.arange(500), base, cand, b.share, seed=1, resamples=100)
    started = time.thread_time()
    b.difference(np.arange(500), base, cand, b.share, seed=1)
    assert time.thread_time() - started < 1
