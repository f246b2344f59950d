"""The inputs that a company's own small classifier learns from."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.embedded import encoder, inputs, machine

WIDTH = encoder.WIDTH + inputs.CUES + machine.OUTPUTS


def features(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return one row a text: encoder, cues, and what the embedded machine thinks of it."""
    if not texts:
        return np.zeros((0, WIDTH), dtype=np.float32)
    read = inputs.read(texts)
    answers = machine.answer(texts, read)
    return np.hstack(
        [
            read.whole,
            read.cues,
            answers.signs,
            answers.emotions,
            answers.tones,
            answers.satisfaction[:, None],
            answers.grade[:, None],
        ]
    )
