"""Words and pieces of words as a vector, without any model: the engine that is always there."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from analytics.embedded.concepts import concepts
from analytics.embedded.stems import STOP_WORDS, stem
from analytics.embedded.text import tokens

CODE = "embed-lex-1"
WIDTH = 768
WORD, PAIR, PIECE, CONCEPT = 1.0, 0.6, 0.35, 1.6


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return one vector of length 1 a text, (n, 768); a text without words is all zeros."""
    return hashed(texts, WIDTH)


def hashed(texts: Sequence[str], width: int) -> NDArray[np.float32]:
    """Return signed feature counts of each text folded into `width` numbers, of length 1."""
    return fold([parts(text) for text in texts], width)


def fold(found: Sequence[Mapping[str, float]], width: int) -> NDArray[np.float32]:
    """Return named weights of each text, signed and added up in `width` places, of length 1."""
    rows = np.zeros((len(found), width), dtype=np.float32)
    for row, named in zip(rows, found, strict=True):
        _fill(row, named)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1), dtype=np.float32)


def parts(text: str) -> dict[str, float]:
    """Return what the text is made of: stems, pairs of them, pieces of words, concepts."""
    stems = [stem(word) for word in tokens(text) if is_word(word)]
    found: dict[str, float] = {}
    _add(found, (f"w:{word}" for word in stems), WORD)
    _add(found, (f"p:{a} {b}" for a, b in pairwise(stems)), PAIR)
    _add(found, (f"c:{piece}" for word in stems for piece in pieces(word)), PIECE)
    _add(found, (f"k:{concept}" for concept in concepts(text)), CONCEPT)
    return found


def is_word(token: str) -> bool:
    """Tell whether a token carries a topic."""
    return token[0].isalpha() and len(token) > 1 and token not in STOP_WORDS


def pieces(word: str) -> Iterable[str]:
    """Return the runs of four letters of a word with its edges marked."""
    marked = f"^{word}$"
    return (marked[i : i + 4] for i in range(max(len(marked) - 3, 0)))


def _add(found: dict[str, float], names: Iterable[str], weight: float) -> None:
    for name in names:
        # The second and later times say less.
        found[name] = found[name] + weight * 0.3 if name in found else weight


def _fill(row: NDArray[np.float32], found: Mapping[str, float]) -> None:
    for name, weight in found.items():
        place, sign = _place(name)
        row[place % len(row)] += sign * weight


@lru_cache(maxsize=65536)
def _place(name: str) -> tuple[int, int]:
    # crc32 and not hash(): the same in every process.
    number = crc32(name.encode("utf-8", "replace"))
    return number >> 1, 1 if number & 1 else -1
