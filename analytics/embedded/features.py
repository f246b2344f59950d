"""The inputs that a company's own small classifier learns from."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.embedded import inputs, network


def features(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return one row a text: encoder, cues, and what the embedded networks think of it."""
    rows = inputs.rows(texts)
    answers = network.answer(rows)
    return np.hstack(
        [rows, answers.grades, answers.emotions, answers.tones, answers.satisfaction[:, None]]
    )
