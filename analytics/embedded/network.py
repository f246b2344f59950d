"""Small networks with one hidden layer, averaged; weights made by tools/train_analyser.py."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

EMOTIONS = (
    "alegria", "gratidao", "surpresa", "confusao", "preocupacao", "tristeza", "frustracao",
    "raiva", "neutro",
)  # fmt: skip
TONES = ("formal", "cordial", "neutro", "informal", "urgente", "ironico", "agressivo")
GRADES = np.arange(-4, 5, dtype=np.float32)
ENDS = np.cumsum([len(GRADES), len(EMOTIONS), len(TONES), 1])


@dataclass(frozen=True, slots=True)
class Weights:
    """Members of the ensemble side by side: first (m, d, h), second (m, h, outputs)."""

    first: Array
    first_bias: Array
    second: Array
    second_bias: Array
    temperature: float
    band: float
    trained_on: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Probabilities a text: of grades -4..4, emotions, tones; and satisfaction about -1..1."""

    grades: Array
    emotions: Array
    tones: Array
    satisfaction: Array


@lru_cache(maxsize=1)
def weights() -> Weights:
    """Return the committed weights."""
    with (files("analytics.embedded") / "weights" / "analyser.npz").open("rb") as file:
        held = np.load(file, allow_pickle=False)
        arrays = {name: held[name].astype(np.float32) for name in held.files if name != "hash"}
        return Weights(
            first=arrays["first"],
            first_bias=arrays["first_bias"],
            second=arrays["second"],
            second_bias=arrays["second_bias"],
            temperature=float(arrays["temperature"]),
            band=float(arrays["band"]),
            trained_on=bytes(held["hash"]).decode(),
        )


def answer(rows: Array) -> Answers:
    """Return what the ensemble says of each row of inputs."""
    held = weights()
    members = []
    for first, bias, second, end in zip(
        held.first, held.first_bias, held.second, held.second_bias, strict=True
    ):
        hidden = np.maximum(rows @ first + bias, 0)
        members.append(hidden @ second + end)
    return split(np.mean(members, axis=0), held.temperature)


def split(out: Array, temperature: float) -> Answers:
    """Return the outputs of a network as probabilities."""
    grades, emotions, tones, satisfaction = np.split(out, ENDS[:-1], axis=1)
    return Answers(
        softmax(grades / temperature), softmax(emotions), softmax(tones), satisfaction[:, 0]
    )


def softmax(scores: Array) -> Array:
    """Return scores as probabilities, a row at a time."""
    scores = scores - scores.max(axis=1, keepdims=True)
    shares = np.exp(scores)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float32)
