"""Whether a distribution still looks as it did, and what a drawn item stands for."""

import numpy as np

from analytics.experiments.statistics.arrays import Floats, Numbers, floats

# An empty bin would make the logarithm infinite.
EPSILON = 1e-4


def population_stability(now: Numbers, before: Numbers) -> float | None:
    """Return the PSI of two histograms; None when one is empty. Above .25 much has moved."""
    p, q = _shares(now), _shares(before)
    if p is None or q is None:
        return None
    return float(((p - q) * np.log(p / q)).sum())


def jensen_shannon(now: Numbers, before: Numbers) -> float | None:
    """Return the divergence of two histograms in bits, 0 (equal) to 1 (nothing in common)."""
    p, q = floats(now), floats(before)
    if not p.sum() or not q.sum():
        return None
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2
    return min(1.0, max(0.0, (_surprise(p, middle) + _surprise(q, middle)) / 2))


def weights(probabilities: Numbers) -> Floats:
    """Return 1/π, scaled so that the mean is 1; raises ValueError for a chance outside 0..1."""
    chances = floats(probabilities)
    if chances.size and (chances.min() <= 0 or chances.max() > 1):
        raise ValueError("A chance of being drawn is above 0, up to 1.")
    stands_for = 1 / chances
    return stands_for / stands_for.mean() if stands_for.size else stands_for


def _shares(counts: Numbers) -> Floats | None:
    array = floats(counts)
    total = array.sum()
    return np.maximum(array / total, EPSILON) if total else None


def _surprise(p: Floats, q: Floats) -> float:
    there = p > 0
    return float((p[there] * np.log2(p[there] / q[there])).sum())
