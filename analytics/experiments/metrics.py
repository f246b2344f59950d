"""What is compared: each measure as sums over items, so that drawing again is adding again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analytics.experiments.statistics import bootstrap, classes
from analytics.experiments.statistics.arrays import Floats, Ints
from analytics.experiments.statistics.differences import flips
from analytics.models.choices import Emotion

EMOTIONS = tuple(Emotion.values)
# Of a message that a side gave no valid answer for.
MISSING = -1


@dataclass(frozen=True, slots=True)
class Values:
    """What one side, or people, said of each message; NaN and MISSING where nothing."""

    sentiment: Floats
    emotion: Ints
    satisfaction: Floats

    @property
    def levels(self) -> Ints:
        return classes.sentiment_levels(np.nan_to_num(self.sentiment))

    @property
    def bands(self) -> Ints:
        return classes.satisfaction_bands(np.nan_to_num(self.satisfaction))


Mask = NDArray[np.bool_]
# From (values of a side, those it is measured by, weights) to sums (n, k).
Sums = Callable[[Values, Values, Floats], Floats]


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the comparison.

    `reach` is the difference that fills the drawn axis; `margin` the worsening that is tolerated.
    """

    key: str
    unit: Literal["share", "number"]
    better: Literal["high", "low"]
    sums: Sums = field(repr=False)
    value: bootstrap.Metric = field(repr=False)
    needs: Literal["sentiment", "emotion", "satisfaction"]
    reach: float
    margin: float | None = None


def _weighted(hits: Floats, weights: Floats) -> Floats:
    return np.column_stack([hits * weights, weights])


def _level_hits(said: Values, truth: Values, weights: Floats) -> Floats:
    return _weighted((said.levels == truth.levels).astype(np.float64), weights)


def _distances(said: Values, truth: Values, weights: Floats) -> Floats:
    return _weighted(np.abs(said.sentiment - truth.sentiment), weights)


def _flips(said: Values, truth: Values, weights: Floats) -> Floats:
    return _weighted(flips(said.sentiment, truth.sentiment), weights)


def _level_cells(said: Values, truth: Values, weights: Floats) -> Floats:
    size = classes.SENTIMENT_LEVELS
    return classes.one_hot_pairs(truth.levels, said.levels, size) * weights[:, None]


def _band_cells(said: Values, truth: Values, weights: Floats) -> Floats:
    size = classes.SATISFACTION_BANDS
    return classes.one_hot_pairs(truth.bands, said.bands, size) * weights[:, None]


def _emotion_cells(said: Values, truth: Values, weights: Floats) -> Floats:
    return classes.one_hot_pairs(truth.emotion, said.emotion, len(EMOTIONS)) * weights[:, None]


def _kappa(totals: Floats) -> Floats:
    return classes.weighted_kappa_of(_square(totals))


def _macro_f1(totals: Floats) -> Floats:
    return classes.macro_f1_of(_square(totals))


def _diagonal(totals: Floats) -> Floats:
    square = _square(totals)
    hits = np.trace(square, axis1=-2, axis2=-1)
    return bootstrap.share(np.stack([hits, totals.sum(axis=-1)], axis=-1))


def _square(totals: Floats) -> Floats:
    size = round(totals.shape[-1] ** 0.5)
    return totals.reshape(*totals.shape[:-1], size, size)


MEASURES: tuple[Measure, ...] = (
    Measure(
        "sentiment_accuracy", "share", "high", _level_hits, bootstrap.share, "sentiment", 0.1, 0.02
    ),
    Measure("sentiment_mae", "number", "low", _distances, bootstrap.share, "sentiment", 0.1),
    Measure("sentiment_kappa", "number", "high", _level_cells, _kappa, "sentiment", 0.1),
    Measure("satisfaction_kappa", "number", "high", _band_cells, _kappa, "satisfaction", 0.1),
    Measure("emotion_f1", "number", "high", _emotion_cells, _macro_f1, "emotion", 0.1),
    Measure("emotion_accuracy", "share", "high", _emotion_cells, _diagonal, "emotion", 0.1, 0.02),
    Measure("flip_rate", "share", "low", _flips, bootstrap.share, "sentiment", 0.05),
)
BY_KEY: Mapping[str, Measure] = {one.key: one for one in MEASURES}
# What an experiment may be decided by.
PRIMARIES = ("sentiment_accuracy", "sentiment_mae", "satisfaction_kappa", "emotion_f1", "flip_rate")


def said(values: Values, needs: str) -> Mask:
    """Return where this value was said."""
    if needs == "emotion":
        return np.asarray(values.emotion != MISSING)
    column = values.sentiment if needs == "sentiment" else values.satisfaction
    return np.asarray(~np.isnan(column))


def cut(values: Values, mask: Mask) -> Values:
    """Return the items of `mask`."""
    return Values(values.sentiment[mask], values.emotion[mask], values.satisfaction[mask])


def taken(values: Values, places: Ints) -> Values:
    """Return the items at `places`, in their order."""
    return Values(values.sentiment[places], values.emotion[places], values.satisfaction[places])


def unit_of(key: str) -> str:
    """Return the unit of a measure, "" for an unknown one."""
    return next((one.unit for one in MEASURES if one.key == key), "")
