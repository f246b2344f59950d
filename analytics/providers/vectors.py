"""Vectors of foreign models in the one shape that is stored: 768 numbers of length one.

Models that have more may be cut only when they were trained for it (Matryoshka); those with less
are filled with zeros, which changes no cosine (ai.md §2.6).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

DIMENSIONS = 768
Vectors = npt.NDArray[np.float32]


class BadVectorsError(ValueError):
    """Codes: wrong_count, wrong_dimensions, broken_vector, too_many_dimensions."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_vectors(data: Any, count: int) -> Vectors:
    """Read the answer of /embeddings in the order of the question; raises BadVectorsError."""
    rows = data.get("data") if isinstance(data, Mapping) else None
    if not isinstance(rows, list) or len(rows) != count:
        raise BadVectorsError("wrong_count")
    by_place = {
        index: row.get("embedding")
        for place, row in enumerate(rows)
        if isinstance(row, Mapping) and type(index := row.get("index", place)) is int
    }
    if set(by_place) != set(range(count)):
        raise BadVectorsError("wrong_count")
    return _matrix([by_place[place] for place in range(count)])


def fitted(vectors: Vectors, *, may_cut: bool) -> Vectors:
    """Return vectors of 768 numbers, each of length one; raises BadVectorsError."""
    width = vectors.shape[1]
    if width > DIMENSIONS:
        if not may_cut:
            raise BadVectorsError("too_many_dimensions")
        vectors = vectors[:, :DIMENSIONS]
    elif width < DIMENSIONS:
        vectors = np.pad(vectors, ((0, 0), (0, DIMENSIONS - width)))
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    # One of zeros has no direction: its cosine with anything would be a division by zero.
    if not np.all(np.isfinite(lengths)) or np.any(lengths < 1e-12):
        raise BadVectorsError("broken_vector")
    unit: Vectors = (vectors / lengths).astype(np.float32)
    return unit


def _matrix(rows: Sequence[Any]) -> Vectors:
    if not all(isinstance(row, list) and row for row in rows):
        raise BadVectorsError("broken_vector")
    if len({len(row) for row in rows}) != 1:
        raise BadVectorsError("wrong_dimensions")
    # Told by their types: numpy reads true as 1 and "0.5" as a half.
    if not set[type]().union(*(map(type, row) for row in rows)) <= {int, float}:
        raise BadVectorsError("broken_vector")
    try:
        found = np.asarray(rows, dtype=np.float32)
    except OverflowError as error:
        raise BadVectorsError("broken_vector") from error
    if not np.all(np.isfinite(found)):
        raise BadVectorsError("broken_vector")
    return found
