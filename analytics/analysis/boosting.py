"""A company's booster: a softmax over what the embedded analyser sees, learnt from its own labels.

It may move a judgement to another side (negative, neutral, positive), and only where it is sure;
the degree, the emotion and the rest stay the analyser's.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analytics.values import Judgement

Floats = NDArray[np.float32]
SIDES = (-1, 0, 1)
# Below it the analyser's own side stands.
SURE_FROM = 0.6
_STEPS, _RATE, _DECAY = 300, 0.5, 1e-3
# How far a judgement goes when its side changes and the analyser gave no degree for it.
_DEGREE = 0.5


@dataclass(frozen=True, slots=True)
class Weights:
    mean: Floats
    scale: Floats
    slopes: Floats
    offsets: Floats


def side_of(sentiment: float) -> int:
    """Return -1, 0 or 1 with the house's cuts at ±0.1."""
    return int(sentiment > 0.1) - int(sentiment < -0.1)


def learn(rows: Floats, sides: Sequence[int], weights: Sequence[float]) -> Weights:
    """Fit by full-batch gradient descent; the same input gives the same answer."""
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    inputs = (rows - mean) / scale / np.sqrt(rows.shape[1])
    wanted = np.eye(3, dtype=np.float32)[[SIDES.index(side) for side in sides]]
    share = np.asarray(weights, dtype=np.float32)[:, None] / float(sum(weights))
    slopes = np.zeros((rows.shape[1], 3), dtype=np.float32)
    offsets = np.zeros(3, dtype=np.float32)
    for _step in range(_STEPS):
        error = (_softmax(inputs @ slopes + offsets) - wanted) * share
        slopes -= _RATE * 20 * (inputs.T @ error + _DECAY * slopes)
        offsets -= _RATE * error.sum(axis=0)
    return Weights(mean, scale, slopes, offsets)


def boost(weights: Weights, rows: Floats, judgements: Sequence[Judgement]) -> list[Judgement]:
    """Return the judgements with their side changed where the booster is sure of another one."""
    if not judgements:
        return []
    inputs = (rows - weights.mean) / weights.scale / np.sqrt(rows.shape[1])
    chances = _softmax(inputs @ weights.slopes + weights.offsets)
    return [_moved(one, chance) for one, chance in zip(judgements, chances, strict=True)]


def packed(weights: Weights) -> bytes:
    """Return weights as bytes that are read without pickle."""
    held = io.BytesIO()
    np.savez(
        held,
        mean=weights.mean, scale=weights.scale, slopes=weights.slopes, offsets=weights.offsets,
    )  # fmt: skip
    return held.getvalue()


def unpacked(raw: bytes) -> Weights:
    with np.load(io.BytesIO(bytes(raw)), allow_pickle=False) as held:
        return Weights(held["mean"], held["scale"], held["slopes"], held["offsets"])


def _moved(one: Judgement, chance: Floats) -> Judgement:
    side = SIDES[int(chance.argmax())]
    sure = float(chance.max())
    if sure < SURE_FROM or side == side_of(one.sentiment):
        return one
    sentiment = side * max(_DEGREE, abs(one.sentiment)) if side else 0.0
    emotion = one.emotion
    if side == 0:
        emotion = "neutro"
    elif side_of(one.sentiment) != side:
        emotion = "alegria" if side > 0 else "frustracao"
    return replace(
        one,
        sentiment=sentiment,
        emotion=emotion,
        satisfaction=round(50 + 45 * sentiment),
        confidence=sure,
    )


def _softmax(values: Floats) -> Floats:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)
