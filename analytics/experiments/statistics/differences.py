"""How far numbers are from those they are paired with; None where the formula has no value."""

from dataclasses import dataclass

import numpy as np

from analytics.experiments.statistics.arrays import Floats, Numbers, paired

# Values nearer to zero than this have no polarity that could flip.
FAINT = 0.1
# Half the width of the normal distribution's middle 95 %.
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Limits:
    """Bland and Altman: the mean difference, and where 95 % of the differences lie."""

    bias: float
    low: float
    high: float


def mean_absolute_error(values: Numbers, truth: Numbers) -> float | None:
    """Return the mean distance, in the values' unit."""
    a, b = paired(values, truth)
    return float(np.abs(a - b).mean()) if a.size else None


def root_mean_square_error(values: Numbers, truth: Numbers) -> float | None:
    """Return the root of the mean squared distance, in the values' unit."""
    a, b = paired(values, truth)
    return float(np.sqrt(np.square(a - b).mean())) if a.size else None


def bias(values: Numbers, truth: Numbers) -> float | None:
    """Return the mean of value less truth: above 0 reads too high."""
    a, b = paired(values, truth)
    return float((a - b).mean()) if a.size else None


def pearson(first: Numbers, second: Numbers) -> float | None:
    """Return the correlation -1..1; None for less than two pairs or a constant side."""
    a, b = paired(first, second)
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    a, b = a - a.mean(), b - b.mean()
    # Scaled first: squares of very small numbers would vanish.
    a, b = a / np.abs(a).max(), b / np.abs(b).max()
    value = float(a @ b / np.sqrt((a @ a) * (b @ b)))
    return min(1.0, max(-1.0, value))


def spearman(first: Numbers, second: Numbers) -> float | None:
    """Return the correlation of the ranks; ties share the mean of theirs."""
    a, b = paired(first, second)
    return pearson(ranks(a), ranks(b))


def ranks(values: Floats) -> Floats:
    """Return the ranks from 1, equal values with the mean of their places."""
    _values, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means = last - (counts - 1) / 2
    return np.asarray(means[place], dtype=np.float64)


def bland_altman(first: Numbers, second: Numbers) -> Limits | None:
    """Return bias and limits of agreement (±1.96 sample deviations); None below two pairs."""
    a, b = paired(first, second)
    if a.size < 2:
        return None
    apart = a - b
    middle, reach = float(apart.mean()), 1.96 * float(apart.std(ddof=1))
    return Limits(bias=middle, low=middle - reach, high=middle + reach)


def flips(values: Numbers, truth: Numbers) -> Floats:
    """Return 1 where one side is positive and the other negative, else 0."""
    a, b = paired(values, truth)
    strong = (np.abs(a) >= FAINT) & (np.abs(b) >= FAINT)
    return (strong & (np.sign(a) * np.sign(b) < 0)).astype(np.float64)


def flip_rate(values: Numbers, truth: Numbers) -> float | None:
    """Return the share of pairs whose polarity is the opposite."""
    found = flips(values, truth)
    return float(found.mean()) if found.size else None
