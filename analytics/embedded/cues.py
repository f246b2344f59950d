"""Which words spoke for a value: their share in the linear part of the machine."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from analytics.embedded.grams import place, weighed, word_runs
from analytics.embedded.machine import Weights, weights
from analytics.embedded.text import clean, tokens
from analytics.embedded.words import weight_of
from analytics.values import Cue

MOST = 6
FAINTEST = 0.04
# A listed word counts beside what was learnt, so that rare strong words are named too.
LISTED = 0.1


def cues_of(texts: Sequence[str]) -> list[tuple[Cue, ...]]:
    """Return at most six cues a text, the strongest first, as they were typed."""
    held = weights()
    return [_cues(clean(text), held) for text in texts]


def _cues(text: str, held: Weights) -> tuple[Cue, ...]:
    typed = text.split()
    owned = [(i, token) for i, word in enumerate(typed) for token in tokens(word)]
    shares: dict[int, float] = defaultdict(float)
    for start, end, weight in _learnt([token for _i, token in owned], held):
        inside = [i for i, _token in owned[max(start, 0) : end]]
        for i in inside:
            shares[i] += weight / len(inside)
    for i, token in owned:
        shares[i] += LISTED * weight_of(token)
    ranked = sorted(shares.items(), key=lambda pair: (-abs(pair[1]), pair[0]))
    told = {typed[i].strip(".,;:()\"'") or typed[i]: share for i, share in reversed(ranked)}
    strong = [(word, share) for word, share in told.items() if abs(share) >= FAINTEST]
    return tuple(
        Cue(word[:60], round(float(np.clip(share, -1, 1)), 2))
        for word, share in sorted(strong, key=lambda pair: -abs(pair[1]))[:MOST]
    )


def _learnt(words: Sequence[str], held: Weights) -> list[tuple[int, int, float]]:
    """Return from, to and weight (above 0 for the better) of each run of words."""
    runs = list(word_runs(words))
    if not runs:
        return []
    places = [place(name) for _start, _end, name in runs]
    told = held.runs[places][:, [0, 2]].astype(np.float32) * held.run_scale[[0, 2]]
    values = (told[:, 1] - told[:, 0]) * weighed(places, held.rarity)
    return [
        (start, end, float(value)) for (start, end, _n), value in zip(runs, values, strict=True)
    ]
