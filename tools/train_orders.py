"""Make analytics/embedded/weights/orders.npz from analytics/embedded/training/orders/*.txt.

.venv/bin/python tools/train_orders.py [--check]    (--check: what is held out, nothing is written)

Logistic regression, twice: of pieces by what they say, then of pieces by what stands around them.
Kinds of orders are dealt out to five folds, and so are honest messages: each is read by a model
that saw neither its kind nor its message. On such readings the second regression learns.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from analytics.embedded import injection, inputs, listener, machine, orders  # noqa: E402
from analytics.embedded.analyser import _opinion  # noqa: E402
from tools import order_material as material  # noqa: E402

WEIGHTS = ROOT / "analytics" / "embedded" / "weights"
# Ways to fill in the parts of an order; how much a message that only looks like one counts.
FILLS, HARD = 4, 5.0
RIDGE, RIDGE_OF_PLACES = 2.0, 0.3
STEPS, ENOUGH = 7, 0.03
# Kinds are not held out of the model that is used: then its fold is this.
ALL = -1

Array = NDArray[Any]


class Reader:
    """Features of pieces, each computed once."""

    def __init__(self) -> None:
        self._known: dict[str, Array] = {}

    def features(self, pieces: Sequence[str]) -> Array:
        new = [piece for piece in dict.fromkeys(pieces) if piece not in self._known]
        for at in range(0, len(new), 64):
            some = new[at : at + 64]
            self._known.update(zip(some, listener.features(some).astype(np.float16), strict=True))
        return np.array([self._known[piece] for piece in pieces], dtype=np.float32)

    def scores(self, weights: Array, pieces: Sequence[str]) -> Array:
        return listener.weighed(self.features(pieces), weights)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    reader = Reader()
    told, honest = material.orders(), material.honest()
    folds = dealt(told)
    models = learnt(reader, told, honest, folds)
    places = learnt_places(reader, models, told, honest, folds)
    report(reader, models, places, told, honest, folds)
    if not options.check:
        np.savez_compressed(
            WEIGHTS / "orders.npz",
            piece=models[ALL].astype(np.float32),
            context=places.astype(np.float32),
            hash=np.frombuffer(material.digest().encode(), np.uint8),
        )


def dealt(told: Sequence[material.Order]) -> dict[str, int]:
    """Return the fold of each kind."""
    kinds = sorted({order.kind for order in told})
    return {kind: i % material.FOLDS for i, kind in enumerate(kinds)}


def learnt(
    reader: Reader,
    told: Sequence[material.Order],
    honest: Sequence[material.Honest],
    folds: dict[str, int],
) -> dict[int, Array]:
    """Return the models of single pieces: one without each fold, and one of everything."""
    rows: list[tuple[str, float, float, int]] = []
    for order in told:
        fills = FILLS if "{" in order.text else 1
        for by in range(fills):
            text = order.filled(str(by))
            for piece in material.taken_apart(text, whole=order.kind in material.WHOLE):
                weight = (1.0 if piece == text else 0.5) * 3 / fills
                rows.append((piece, 1.0, weight, folds[order.kind]))
    for one in honest:
        weight = HARD if one.is_hard else 1.0
        rows += [(piece, 0.0, weight, one.fold) for piece in material.taken_apart(one.text)]
    seen = reader.features([row[0] for row in rows])
    wanted, weights, places = (np.array([row[k] for row in rows]) for k in (1, 2, 3))
    models = {ALL: fitted(seen, wanted, weights, RIDGE)}
    for fold in range(material.FOLDS):
        rest = places != fold
        models[fold] = fitted(seen[rest], wanted[rest], weights[rest], RIDGE, models[ALL])
    return models


def learnt_places(
    reader: Reader,
    models: dict[int, Array],
    told: Sequence[material.Order],
    honest: Sequence[material.Honest],
    folds: dict[str, int],
) -> Array:
    """Return the model of pieces by what stands around them, from held-out readings."""
    rows, wanted = [], []
    for by in ("first", "second"):
        both = [material.mixed(order, by, folds[order.kind]) for order in told]
        for one, heard in zip(both, read(reader, models, both, folds), strict=True):
            if heard:
                rows.append(orders.context(heard))
                wanted += [
                    float(np.mean(one.given[piece.start : piece.end]) > 0.5)
                    for piece in heard.pieces
                ]
    alone = [(order.filled("alone"), folds[order.kind], 1.0) for order in told]
    alone += [(one.text, one.fold, 0.0) for one in honest]
    texts = [(text, fold) for text, fold, _label in alone]
    for (_text, _fold, label), heard in zip(alone, heard_by(reader, models, texts), strict=True):
        if heard:
            rows.append(orders.context(heard))
            wanted += [label] * len(heard.pieces)
    seen = np.vstack(rows)
    return fitted(seen, np.array(wanted), np.ones(len(wanted)), RIDGE_OF_PLACES)


def read(
    reader: Reader,
    models: dict[int, Array],
    both: Sequence[material.Mixed],
    folds: dict[str, int],
) -> list[orders.Heard | None]:
    return heard_by(reader, models, [(one.text, folds[one.order.kind]) for one in both])


def heard_by(
    reader: Reader, models: dict[int, Array], texts: Sequence[tuple[str, int]]
) -> list[orders.Heard | None]:
    """Return each text as the model without its fold hears it."""
    found: list[orders.Heard | None] = [None] * len(texts)
    by_fold: dict[int, list[int]] = defaultdict(list)
    for i, (_text, fold) in enumerate(texts):
        by_fold[fold].append(i)
    for fold, chosen in by_fold.items():
        score: Callable[[Sequence[str]], Array] = partial(reader.scores, models[fold])
        for i, heard in zip(chosen, orders.hear([texts[i][0] for i in chosen], score), strict=True):
            found[i] = heard
    return found


def fitted(
    seen: Array, wanted: Array, weights: Array, ridge: float, start: Array | None = None
) -> Array:
    """Return weights of a logistic regression by Newton's steps; the last stands alone."""
    rows = np.hstack([seen, np.ones((len(seen), 1))]).astype(np.float32)
    found = np.zeros(rows.shape[1]) if start is None else start.astype(np.float64)
    doubt = np.full(len(found), ridge)
    doubt[-1] = 1e-4
    for _step in range(STEPS):
        likely = 1 / (1 + np.exp(-np.clip(rows @ found.astype(np.float32), -30, 30)))
        sway = weights * np.maximum(likely * (1 - likely), 1e-4)
        # Rows that everybody is sure of sway nothing and are most of them.
        some = sway > weights * 2e-3
        half = rows[some] * np.sqrt(sway[some])[:, None].astype(np.float32)
        bend = (half.T @ half).astype(np.float64) + np.diag(doubt)
        slope = rows.T @ (weights * (likely - wanted)).astype(np.float32) + doubt * found
        step = np.linalg.solve(bend, slope)
        found -= step
        if np.abs(step).max() < ENOUGH:
            break
    return found


def report(
    reader: Reader,
    models: dict[int, Array],
    places: Array,
    told: Sequence[material.Order],
    honest: Sequence[material.Honest],
    folds: dict[str, int],
) -> None:
    """Print how far scores move with orders of unseen kinds, and who is cut by mistake."""
    both = [material.mixed(order, "check", folds[order.kind]) for order in told]
    rests = []
    for one, heard in zip(both, read(reader, models, both, folds), strict=True):
        spans = orders.spans(heard, placed(heard, places)) if heard else []
        rests.append(injection.without(one.text, spans))
    moved = np.abs(opinions(rests) - opinions([one.honest for one in both]))
    by_kind: dict[str, list[float]] = defaultdict(list)
    for one, move in zip(both, moved, strict=True):
        by_kind[one.order.kind].append(float(move))
    for kind, moves in [*sorted(by_kind.items()), ("all kinds", list(moved))]:
        within = (np.array(moves) <= 0.1).mean(), (np.array(moves) <= 0.25).mean()
        print(f"{kind:10} {len(moves):4} within .1: {within[0]:.3f} .25: {within[1]:.3f}")  # noqa: T201
    touched = [
        one
        for one, heard in zip(
            honest, heard_by(reader, models, [(one.text, one.fold) for one in honest]), strict=True
        )
        if heard and orders.spans(heard, placed(heard, places))
    ]
    for is_hard in (False, True):
        of = sum(one.is_hard == is_hard for one in honest)
        cut = [one.text for one in touched if one.is_hard == is_hard]
        print(f"honest, hard {is_hard}: {len(cut)} of {of} cut ({len(cut) / of:.4f})")  # noqa: T201
        print("\n".join(f"  {text!r}" for text in cut))  # noqa: T201


def placed(heard: orders.Heard, places: Array) -> Array:
    return listener.weighed(orders.context(heard), places.astype(np.float32))


def opinions(texts: list[str]) -> Array:
    """Return what the analyser says of texts as they stand."""
    answers = machine.answer(texts, inputs.read(texts))
    return np.array([_opinion(text, (), answers, i)[1] for i, text in enumerate(texts)])


if __name__ == "__main__":
    main()
