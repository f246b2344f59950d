"""Words and letters of a text as places in a table, with how telling each of them is."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from analytics.embedded.text import normal, tokens

# The first half of the table is for runs of words, the second for runs of letters.
HALF = 1 << 15
TABLE = 2 * HALF


def word_runs(words: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Return every run of one to three words: from, to, and its name."""
    framed = ["^", *words, "$"]
    for length in (1, 2, 3):
        for i in range(len(framed) - length + 1):
            run = framed[i : i + length]
            if length > 1 or run[0] not in {"^", "$"}:
                yield i - 1, i + length - 1, f"{length}{' '.join(run)}"


def letter_runs(text: str) -> set[str]:
    """Return every run of two to five letters of the text as spelt everywhere."""
    framed = f" {normal(text)} "
    return {framed[i : i + n] for n in (2, 3, 4, 5) for i in range(len(framed) - n + 1)}


@lru_cache(maxsize=65536)
def place(name: str) -> int:
    """Return the place of a run's name; the same in every process."""
    return crc32(name.encode("utf-8", "replace")) % HALF


def places(text: str) -> tuple[list[int], list[int]]:
    """Return the places of the words' runs and of the letters' runs, each once."""
    words = {place(name) for _start, _end, name in word_runs(tokens(text))}
    letters = {HALF + place(name) for name in letter_runs(text)}
    return sorted(words), sorted(letters)


def weighed(found: list[int], rarity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the weights of the places so that the sum of their squares is 1."""
    weights = np.sqrt(rarity[found])
    return np.asarray(weights / max(float(np.linalg.norm(weights)), 1e-6), dtype=np.float32)
