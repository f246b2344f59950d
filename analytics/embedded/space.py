"""Where texts lie by meaning: the encoder's view, what people need, and the words, as one vector.

What people need is read from the encoder's view and from the words, by weights that
tools/train_space.py learnt from messages that say the same need in different words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.embedded import encoder, hashing
from analytics.embedded.senses import senses
from analytics.embedded.text import spelled

CODE = "embed-use-2"
WIDTH = 768
MEANING_WIDTH, NEEDS_WIDTH, WORDS_WIDTH = 384, 128, 256
# Shares of the cosine; chosen on topics that the weights had not learnt.
MEANING, NEEDS, WORDS = 0.40, 0.40, 0.20
SENSE = 2.0

Array = NDArray[np.float32]
Said = dict[str, float]


@dataclass(frozen=True, slots=True)
class Weights:
    """`turn` shortens what differs inside a need; `from_*` lead to needs; `rows` of known words."""

    mean: Array
    turn: Array
    from_meaning: Array
    from_words: Array
    rows: dict[str, int]
    rarity: Array
    trained_on: str


def embed(texts: Sequence[str]) -> Array:
    """Return one vector of length 1 a text, (n, 768); equal texts give equal vectors."""
    if not texts:
        return np.zeros((0, WIDTH), dtype=np.float32)
    return place(texts, weights())


def place(texts: Sequence[str], held: Weights) -> Array:
    """Return the vectors of texts by given weights; at least one text."""
    said = [words_of(text) for text in texts]
    seen = encoder.encode([spelled(text) for text in texts]) - held.mean
    with encoder.one_thread():
        meaning = unit(seen @ held.turn)
        needs = meaning @ held.from_meaning
    for row, words in enumerate(said):
        found, shares = known(words, held.rows, held.rarity)
        needs[row] += shares @ held.from_words[found]
    parts = (
        meaning * np.sqrt(MEANING),
        unit(needs) * np.sqrt(NEEDS),
        hashing.fold(said, WORDS_WIDTH) * np.sqrt(WORDS),
    )
    # Batches differ from single texts in the seventh digit: rounding makes them equal.
    return np.asarray(np.round(unit(np.hstack(parts)), 5), dtype=np.float32)


def words_of(text: str) -> Said:
    """Return stems, pairs of them, pieces of words and what words stand for, with their weights."""
    said = hashing.parts(text)
    said.update((f"s:{sense}", SENSE) for sense in senses(text))
    return said


def known(said: Said, rows: dict[str, int], rarity: Array) -> tuple[list[int], Array]:
    """Return the rows of the words that were learnt, and their shares by weight and rarity."""
    found = [name for name in said if name in rows]
    at = [rows[name] for name in found]
    shares = np.array([said[name] for name in found], dtype=np.float32) * rarity[at]
    return at, shares / np.float32(max(float(np.linalg.norm(shares)), 1e-6))


def unit(rows: NDArray[Any]) -> Array:
    """Return rows of length 1; those of zeros stay."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-9), dtype=np.float32)


@lru_cache(maxsize=1)
def weights() -> Weights:
    """Return the committed weights."""
    with (files("analytics.embedded") / "weights" / "space.npz").open("rb") as file:
        held = np.load(file, allow_pickle=False)
        names = bytes(held["names"]).decode().split("\n")
        real = {k: held[k].astype(np.float32) for k in ("mean", "turn", "rarity")}
        return Weights(
            **real,
            from_meaning=held["from_meaning"].astype(np.float32),
            from_words=held["from_words"] * held["scale"].astype(np.float32),
            rows={name: row for row, name in enumerate(names)},
            trained_on=bytes(held["hash"]).decode(),
        )
