"""The space of the release before: 512 numbers of the encoder and 256 of words, as one vector.

Kept so that a company's searches go on while its messages are placed in analytics/embedded/space.py
in the background; nothing new begins here and its weights are never made again.
"""

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from analytics.embedded import encoder
from analytics.embedded.hashing import hashed
from analytics.embedded.text import spelled

CODE = "embed-use-1"
WIDTH = 768
# Shares of the cosine.
MEANING, WORDS = 0.85, 0.15


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return one vector of length 1 a text, (n, 768); equal texts give equal vectors."""
    if not texts:
        return np.zeros((0, WIDTH), dtype=np.float32)
    meaning = _centred(encoder.encode([spelled(text) for text in texts]))
    words = hashed(texts, WIDTH - encoder.WIDTH)
    both = np.hstack([meaning * np.sqrt(MEANING), words * np.sqrt(WORDS)])
    # Batches differ from single texts in the seventh digit: rounding makes them equal.
    both = np.round(both / np.linalg.norm(both, axis=1, keepdims=True), 5)
    return np.asarray(both, dtype=np.float32)


def _centred(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    mean, turn = _learnt()
    moved = (vectors - mean) @ turn
    norms = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(moved / np.maximum(norms, 1e-9), dtype=np.float32)


@lru_cache(maxsize=1)
def _learnt() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean of the training texts and the matrix learnt on 68 topics."""
    with (files("analytics.embedded") / "weights" / "former_space.npz").open("rb") as file:
        held = np.load(file, allow_pickle=False)
        return held["mean"].astype(np.float32), held["turn"].astype(np.float32)
