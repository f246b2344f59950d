"""Krippendorff's alpha: whether people mean the same, some of whom did not see everything."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from analytics.experiments.statistics.arrays import Floats

Level = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(units: Sequence[Sequence[float | None]], level: Level) -> float | None:
    """Return alpha over `units`, each the values that one message got; None is a missing value.

    Units with less than two values cannot be compared and do not count. None where every value is
    the same, or none is comparable.
    """
    whole = [[value for value in unit if value is not None] for unit in units]
    whole = [unit for unit in whole if len(unit) > 1]
    values = sorted({value for unit in whole for value in unit})
    if len(values) < 2:
        return None
    together = _coincidences(whole, values)
    counts = together.sum(axis=1)
    apart = _DISTANCES[level](np.asarray(values, dtype=np.float64), counts)
    total = counts.sum()
    seen = float((together * apart).sum()) / total
    by_chance = float(np.outer(counts, counts).ravel() @ apart.ravel()) / (total * (total - 1))
    return float(1 - seen / by_chance)


def _coincidences(units: Sequence[Sequence[float]], values: Sequence[float]) -> Floats:
    """Return how often two values met in a unit, each unit weighing as many as it has values."""
    place = {value: index for index, value in enumerate(values)}
    together = np.zeros((len(values), len(values)))
    for unit in units:
        counts = np.zeros(len(values))
        for value in unit:
            counts[place[value]] += 1
        together += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    return together


def _nominal(values: Floats, _counts: Floats) -> Floats:
    return np.asarray(values[:, None] != values[None, :], dtype=np.float64)


def _interval(values: Floats, _counts: Floats) -> Floats:
    return np.asarray(np.square(values[:, None] - values[None, :]))


def _ordinal(_values: Floats, counts: Floats) -> Floats:
    """Square of the values between two, both ends counted half."""
    upto = np.cumsum(counts)
    between = np.abs(upto[:, None] - upto[None, :])
    first = np.minimum.outer(np.arange(counts.size), np.arange(counts.size))
    last = np.maximum.outer(np.arange(counts.size), np.arange(counts.size))
    whole = between + counts[first]
    distance = whole - (counts[first] + counts[last]) / 2
    return np.asarray(np.square(distance))


_DISTANCES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "nominal": _nominal,
    "ordinal": _ordinal,
    "interval": _interval,
}
