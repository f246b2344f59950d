"""Whom a piece of a message talks to: the company, or whoever judges the message.

A logistic model over the encoder's vector and countable words, made by tools/train_orders.py.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from analytics.embedded import encoder
from analytics.embedded.disguise import revealed
from analytics.embedded.patterns import holds_order
from analytics.embedded.text import fold, spelled

Array = NDArray[np.float32]

# The vector's length beside the counted words: the smaller, the less it is believed.
SPOKEN = 3.0


@dataclass(frozen=True, slots=True)
class Listener:
    """`piece` weighs the features of a piece, `context` those of its place; the last is alone."""

    piece: Array
    context: Array
    trained_on: str


@lru_cache(maxsize=1)
def listener() -> Listener:
    """Return the committed weights."""
    with (files("analytics.embedded") / "weights" / "orders.npz").open("rb") as file:
        held = np.load(file, allow_pickle=False)
        return Listener(held["piece"], held["context"], bytes(held["hash"]).decode())


def scores(pieces: Sequence[str]) -> Array:
    """Return the log-odds of each piece of being said to a judge, taken by itself."""
    return weighed(features(pieces), listener().piece)


def weighed(rows: Array, weights: Array) -> Array:
    """Return the rows' products with all weights but the last, which stands alone."""
    return np.asarray(rows @ weights[:-1] + weights[-1], dtype=np.float32)


def features(pieces: Sequence[str]) -> Array:
    """Return one row a piece: where the encoder puts it, and what can be counted."""
    said = [revealed(piece) for piece in pieces]
    vectors = encoder.encode([spelled(one) for one in said]) * SPOKEN
    counted = [_counted(piece, fold(one)) for piece, one in zip(pieces, said, strict=True)]
    return np.hstack([vectors, np.array(counted, np.float32).reshape(len(pieces), -1)])


def _counted(piece: str, even: str) -> list[float]:
    words, forms = _signs()
    held = [float(bool(word.search(even))) for word in words]
    length = len(even.split())
    return [
        *held,
        *(float(bool(form.search(piece))) for form in forms),
        sum(held) / 4,
        max(0.0, sum(held) - 2) / 4,
        min(length, 40) / 20,
        float(length <= 2),
        float(length <= 4),
        float(holds_order(even)),
        *(one * other for one, other in combinations(held, 2)),
    ]


@lru_cache(maxsize=1)
def _signs() -> tuple[list[re.Pattern[str]], list[re.Pattern[str]]]:
    """Return the patterns of words, and those of how something is written."""
    source = (files("analytics.embedded") / "data" / "judging.txt").read_text("utf-8")
    lines = [line.split(": ", 1) for line in source.splitlines() if not line.startswith("# ")]
    return (
        [re.compile(pattern) for name, pattern in lines if name != "form"],
        [re.compile(pattern) for name, pattern in lines if name == "form"],
    )
