"""Who is taken for what: emotions of each side against people, or against the baseline."""

from typing import Any

from analytics.experiments.metrics import EMOTIONS, MISSING, said
from analytics.experiments.pairs import Pairs, Side
from analytics.experiments.statistics import classes
from analytics.experiments.statistics.alpha import krippendorff_alpha
from analytics.experiments.statistics.arrays import Ints


def matrices(pairs: Pairs) -> dict[str, Any]:
    """Return a matrix of counts for each side; without people the baseline is what is matched."""
    sides = pairs.sides if pairs.is_gold else pairs.sides[1:]
    return {side.arm.key: _matrix(pairs, side) for side in sides}


def _matrix(pairs: Pairs, side: Side) -> dict[str, Any]:
    rows = pairs.truth if pairs.is_gold else pairs.sides[0].values
    mask = side.ok & said(rows, "emotion") & (side.values.emotion != MISSING)
    expected, found = rows.emotion[mask], side.values.emotion[mask]
    matrix = classes.confusion(expected, found, len(EMOTIONS))
    pairs_of = [(float(a), float(b)) for a, b in zip(expected, found, strict=True)]
    counts = matrix.tolist()
    facts = {
        "classes": list(EMOTIONS),
        "counts": counts,
        "n": int(matrix.sum()),
        "kappa": classes.cohen_kappa(matrix),
        "alpha": krippendorff_alpha(pairs_of, "nominal"),
    }
    return facts | (_quality(matrix, counts) if pairs.is_gold else _agreement(matrix, counts))


def _quality(matrix: Ints, counts: list[list[int]]) -> dict[str, Any]:
    scores = classes.class_scores(matrix)
    return {
        "scores": [
            {
                "precision": one.precision,
                "recall": one.recall,
                "f1": one.f1,
                "support": one.support,
            }
            for one in scores
        ],
        "accuracy": classes.accuracy(matrix),
        "macro_f1": classes.macro_f1(matrix),
        "few": sum(0 < one.support < classes.FEW for one in scores),
        "most_confused": _largest_off_diagonal(counts),
    }


def _agreement(matrix: Ints, counts: list[list[int]]) -> dict[str, Any]:
    """Neither side is the truth: no precision, no confusion, only where they part."""
    return {"agreement": classes.accuracy(matrix), "most_apart": _largest_off_diagonal(counts)}


def _largest_off_diagonal(counts: list[list[int]]) -> list[str] | None:
    """Return the two classes that meet most often, None when none ever do."""
    cells = [
        (count, row, column)
        for row, line in enumerate(counts)
        for column, count in enumerate(line)
        if row != column and count
    ]
    if not cells:
        return None
    _count, row, column = max(cells, key=lambda cell: (cell[0], -cell[1], -cell[2]))
    return [EMOTIONS[row], EMOTIONS[column]]
