"""Classes against classes: confusion, accuracy, F1 and the kappas.

Matrices have the truth in rows and the analyser in columns. The functions that take totals accept
any number of leading axes, so that one call computes thousands of resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.experiments.statistics.arrays import Floats, Ints, Numbers, floats

# Fewer examples of a class than this say little about it.
FEW = 20
SENTIMENT_LEVELS = 5
SATISFACTION_BANDS = 5


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Precision, recall and F1 of one class; None where nothing was said or nothing was there."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


def sentiment_levels(values: Numbers) -> Ints:
    """Return 0 (very negative) to 4; the five words of a review are the middles of the bins."""
    v = floats(values)
    return np.select([v < -0.5, v <= -0.1, v < 0.1, v <= 0.5], [0, 1, 2, 3], 4).astype(np.int64)


def polarities(values: Numbers) -> Ints:
    """Return 0 negative, 1 neutral, 2 positive."""
    v = floats(values)
    return np.select([v <= -0.1, v < 0.1], [0, 1], 2).astype(np.int64)


def satisfaction_bands(values: Numbers) -> Ints:
    """Return 0 to 4 for 0..19, 20..39, … 80..100."""
    return np.clip(floats(values) // 20, 0, 4).astype(np.int64)


def one_hot_pairs(truth: Ints, said: Ints, classes: int) -> Floats:
    """Return a row of `classes`² for each item with 1 in the cell of its pair."""
    cells = np.zeros((truth.size, classes * classes))
    cells[np.arange(truth.size), truth * classes + said] = 1
    return cells


def confusion(truth: Sequence[int] | Ints, said: Sequence[int] | Ints, classes: int) -> Ints:
    """Return how often each class of the truth was called each class."""
    rows, columns = np.asarray(truth, dtype=np.int64), np.asarray(said, dtype=np.int64)
    flat = np.bincount(rows * classes + columns, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def accuracy(matrix: Ints | Floats) -> float | None:
    """Return the share on the diagonal."""
    total = float(matrix.sum())
    return float(np.trace(matrix)) / total if total else None


def class_scores(matrix: Ints) -> list[ClassScore]:
    """Return the scores of each class, in the matrix's order."""
    scores = []
    for index in range(len(matrix)):
        right = float(matrix[index, index])
        support, said = int(matrix[index].sum()), int(matrix[:, index].sum())
        scores.append(
            ClassScore(
                precision=right / said if said else None,
                recall=right / support if support else None,
                f1=2 * right / (said + support) if support else None,
                support=support,
            )
        )
    return scores


def macro_f1(matrix: Ints | Floats) -> float | None:
    """Return the plain mean of F1 over the classes that the truth has."""
    return _known(macro_f1_of(np.asarray(matrix, dtype=np.float64)))


def cohen_kappa(matrix: Ints | Floats) -> float | None:
    """Return agreement beyond chance; None where chance alone already agrees on everything."""
    return _known(_kappa(np.asarray(matrix, dtype=np.float64), 1 - np.eye(len(matrix))))


def weighted_kappa(matrix: Ints | Floats) -> float | None:
    """Return kappa with quadratic weights, for ordered classes; None as for Cohen's."""
    return _known(weighted_kappa_of(np.asarray(matrix, dtype=np.float64)))


def macro_f1_of(matrices: Floats) -> Floats:
    """Return macro-F1 of each matrix of (…, k, k); NaN for an empty one."""
    right = np.diagonal(matrices, axis1=-2, axis2=-1)
    support, said = matrices.sum(axis=-1), matrices.sum(axis=-2)
    there = support > 0
    f1 = np.divide(2 * right, support + said, out=np.zeros_like(right), where=there)
    return _ratio(f1.sum(axis=-1), there.sum(axis=-1).astype(np.float64))


def weighted_kappa_of(matrices: Floats) -> Floats:
    """Return quadratic kappa of each matrix of (…, k, k); NaN where it is not defined."""
    classes = matrices.shape[-1]
    place = np.arange(classes)
    apart = np.square(place[:, None] - place[None, :]) / max((classes - 1) ** 2, 1)
    return _kappa(matrices, apart)


def _kappa(matrices: Floats, apart: Floats) -> Floats:
    """1 less the weighted disagreement seen, over the one that chance would bring."""
    total = matrices.sum(axis=(-2, -1))
    rows, columns = matrices.sum(axis=-1), matrices.sum(axis=-2)
    seen = (matrices * apart).sum(axis=(-2, -1)) * total
    by_chance = np.einsum("...i,ij,...j->...", rows, apart, columns)
    return np.asarray(1 - _ratio(seen, by_chance))


def _ratio(top: Floats, bottom: Floats) -> Floats:
    top, bottom = np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64)
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)


def _known(value: Floats) -> float | None:
    number = float(value)
    return None if np.isnan(number) else number
