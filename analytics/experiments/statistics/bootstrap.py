"""Intervals by drawing again: whole conversations, because messages of one are alike."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.experiments.statistics.arrays import Floats, Ints, Numbers, floats

RESAMPLES = 10_000
# Rows drawn at once: bounds memory to some 10 MB for a thousand conversations.
_AT_ONCE = 2_000

# From totals (m, k) to values (m,), NaN where there is none.
Metric = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % percentile interval; `p` is two-sided, against no difference."""

    estimate: float
    low: float
    high: float
    p: float | None = None


def share(totals: Floats) -> Floats:
    """Return the ratio of two totals: what counts, and out of how much."""
    top, bottom = totals[..., 0], totals[..., 1]
    return np.asarray(np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0))


def interval(
    clusters: Sequence[int] | Ints,
    items: Floats,
    metric: Metric,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Interval | None:
    """Return `metric` of the items' totals (n, k) with its interval; None where it has no value."""
    estimate = float(metric(items.sum(axis=0, keepdims=True))[0])
    drawn = _drawn(clusters, items, metric, seed=seed, resamples=resamples)
    if np.isnan(estimate) or not drawn.size:
        return None
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(estimate, float(low), float(high))


def difference(
    clusters: Sequence[int] | Ints,
    baseline: Floats,
    candidate: Floats,
    metric: Metric,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Interval | None:
    """Return candidate less baseline on the same items, both drawn together."""
    width = baseline.shape[1]

    def apart(totals: Floats) -> Floats:
        return np.asarray(metric(totals[:, width:]) - metric(totals[:, :width]))

    both = np.hstack([baseline, candidate])
    estimate = float(apart(both.sum(axis=0, keepdims=True))[0])
    drawn = _drawn(clusters, both, apart, seed=seed, resamples=resamples)
    return None if np.isnan(estimate) or not drawn.size else _with_test(estimate, drawn)


def quantile_difference(
    baseline: Numbers, candidate: Numbers, q: float, *, seed: int, resamples: int = RESAMPLES
) -> Interval | None:
    """Return the difference of two quantiles; each side is drawn on its own.

    The k-th smallest of n draws with replacement is the value at ⌊n·Beta(k, n-k+1)⌋ of the sorted
    ones, so nothing has to be drawn n times.
    """
    a, b = np.sort(floats(baseline)), np.sort(floats(candidate))
    if not a.size or not b.size:
        return None
    chance = np.random.default_rng(seed)
    drawn = _quantiles(b, q, chance, resamples) - _quantiles(a, q, chance, resamples)
    return _with_test(quantile(b, q) - quantile(a, q), drawn)


def quantile(ordered: Floats, q: float) -> float:
    """Return the smallest value that at least the share `q` does not exceed."""
    return float(ordered[_rank(ordered.size, q) - 1])


def _rank(count: int, q: float) -> int:
    # Less a hair: 0.95 times 20 is 19.000000000000004 for a computer.
    return max(1, int(np.ceil(q * count - 1e-9)))


def _quantiles(ordered: Floats, q: float, chance: np.random.Generator, resamples: int) -> Floats:
    count = ordered.size
    rank = _rank(count, q)
    place = (chance.beta(rank, count - rank + 1, resamples) * count).astype(np.int64)
    return np.asarray(ordered[np.minimum(place, count - 1)])


def _with_test(estimate: float, drawn: Floats) -> Interval:
    low, high = np.quantile(drawn, [0.025, 0.975])
    rarer = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    p = min(1.0, max(2 * rarer, 1) / drawn.size)
    return Interval(estimate, float(low), float(high), p)


def _drawn(
    clusters: Sequence[int] | Ints, items: Floats, metric: Metric, *, seed: int, resamples: int
) -> Floats:
    sums = _by_cluster(np.asarray(clusters), items)
    if not len(sums):
        return np.empty(0)
    values = np.concatenate(
        [metric(times @ sums) for times in _times(len(sums), seed=seed, resamples=resamples)]
    )
    return np.asarray(values[~np.isnan(values)])


def _by_cluster(clusters: Ints, items: Floats) -> Floats:
    _names, place = np.unique(clusters, return_inverse=True)
    sums = np.zeros((place.max() + 1 if place.size else 0, items.shape[1]))
    np.add.at(sums, place, items)
    return sums


def _times(count: int, *, seed: int, resamples: int) -> Iterator[Floats]:
    """Yield how often each of `count` conversations is drawn, a row for each resample."""
    chance = np.random.default_rng(seed)
    for start in range(0, resamples, _AT_ONCE):
        rows = min(_AT_ONCE, resamples - start)
        drawn = chance.integers(0, count, size=(rows, count), dtype=np.int32)
        drawn += np.arange(rows, dtype=np.int32)[:, None] * np.int32(count)
        times = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        yield times.astype(np.float64)
