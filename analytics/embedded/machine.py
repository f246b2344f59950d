"""The trained judge; its weights are made by tools/train_analyser.py.

A linear part over runs of words and letters, and a part that compares the text by meaning with
the messages it learnt from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.embedded.encoder import one_thread
from analytics.embedded.grams import places, weighed
from analytics.embedded.inputs import Inputs

Array = NDArray[np.float32]

EMOTIONS = (
    "alegria", "gratidao", "surpresa", "confusao", "preocupacao", "tristeza", "frustracao",
    "raiva", "neutro",
)  # fmt: skip
TONES = ("formal", "cordial", "neutro", "informal", "urgente", "ironico", "agressivo")
SIGNS = 3
# Outputs: bad, even, good; emotions; tones; satisfaction; grade.
ENDS = np.cumsum([SIGNS, len(EMOTIONS), len(TONES), 1, 1])
OUTPUTS = int(ENDS[-1])
# How fast likeness fades with distance, and the share of each view of the text.
NARROW = 1.5
NARROW_CUES = 1.0
SHARES = (1.0, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Weights:
    """`views` are the training messages as seen whole, by their end, and by their cues."""

    centre: Array
    axes: Array
    cue_centre: Array
    cue_scale: Array
    views: tuple[Array, Array, Array]
    alphas: Array
    bias: Array
    runs: NDArray[np.int8]
    run_scale: Array
    rarity: Array
    sharpness: Array
    sign_bias: Array
    trained_on: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Probabilities a text of signs, emotions, tones; satisfaction and grade about -1..1."""

    signs: Array
    emotions: Array
    tones: Array
    satisfaction: Array
    grade: Array


@lru_cache(maxsize=1)
def weights() -> Weights:
    """Return the committed weights."""
    with (files("analytics.embedded") / "weights" / "analyser.npz").open("rb") as file:
        held = np.load(file, allow_pickle=False)
        real = {k: held[k].astype(np.float32) for k in held.files if k not in {"hash", "runs"}}
        whole, end, cues = (real.pop(name) / 127 for name in ("whole", "end", "cues"))
        return Weights(
            **real,
            views=(whole, end, cues),
            runs=held["runs"],
            trained_on=bytes(held["hash"]).decode(),
        )


def answer(texts: Sequence[str], inputs: Inputs) -> Answers:
    """Return what the machine says of each text."""
    held = weights()
    with one_thread():
        out = likeness(seen(inputs, held), held.views) @ held.alphas + held.bias
    for i, text in enumerate(texts):
        out[i] += _linear(text, held)
    return split(out, held.sharpness, held.sign_bias)


def seen(inputs: Inputs, held: Weights) -> tuple[Array, Array, Array]:
    """Return the three views of texts, each row of length 1."""
    return (
        unit((inputs.whole - held.centre) @ held.axes),
        unit((inputs.end - held.centre) @ held.axes),
        unit((inputs.cues - held.cue_centre) * held.cue_scale),
    )


def likeness(views: Sequence[Array], others: Sequence[Array]) -> Array:
    """Return how alike texts are to others, 0..2.5, over all views."""
    total = np.zeros((len(views[0]), len(others[0])), dtype=np.float32)
    narrow = (NARROW, NARROW, NARROW_CUES)
    for mine, theirs, width, share in zip(views, others, narrow, SHARES, strict=True):
        total += share * np.exp((mine @ theirs.T - 1) * width)
    return total


def unit(rows: NDArray[Any]) -> Array:
    """Return rows of length 1."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-6), dtype=np.float32)


def split(out: Array, sharpness: Array, sign_bias: Array) -> Answers:
    """Return outputs as probabilities; `sharpness` of signs, emotions, tones."""
    signs, emotions, tones, satisfaction, grade = np.split(out, ENDS[:-1], axis=1)
    return Answers(
        softmax(signs * sharpness[0] + sign_bias),
        softmax(emotions * sharpness[1]),
        softmax(tones * sharpness[2]),
        satisfaction[:, 0],
        grade[:, 0],
    )


def softmax(scores: Array) -> Array:
    """Return scores as probabilities, a row at a time."""
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float32)


def _linear(text: str, held: Weights) -> Array:
    total = np.zeros(OUTPUTS, dtype=np.float32)
    for found in places(text):
        if found:
            total += weighed(found, held.rarity) @ held.runs[found].astype(np.float32)
    return total * held.run_scale
