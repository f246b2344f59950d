"""What of a batch's answer may be believed: the right ids, each once, and values in range.

A value out of range is an error of its item, never moved to the edge.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analytics.analysis.items import storable
from analytics.models.choices import Emotion, Tone
from analytics.values import Judgement

LONGEST_SUMMARY = 2_000


@dataclass(slots=True)
class Checked:
    """Judgements by id; ids that are missing or wrong; how many ids nobody asked about."""

    good: dict[int, Judgement] = field(default_factory=dict)
    wrong: dict[int, str] = field(default_factory=dict)
    unknown: int = 0
    repeated: int = 0


def check_batch(data: Mapping[str, Any], expected: set[int]) -> Checked:
    """Sort an answer's items out; an id that comes twice must say the same twice."""
    checked = Checked()
    items = data.get("items")
    for item in items if isinstance(items, list) else []:
        _take(item, expected, checked)
    for number in expected - set(checked.good) - set(checked.wrong):
        checked.wrong[number] = "missing"
    return checked


def _take(item: Any, expected: set[int], checked: Checked) -> None:
    number = item.get("id") if isinstance(item, Mapping) else None
    if isinstance(number, bool) or not isinstance(number, int) or number not in expected:
        checked.unknown += 1
        return
    values = read_values(item)
    if number in checked.good or number in checked.wrong:
        checked.repeated += 1
        if checked.good.get(number) != values:
            checked.good.pop(number, None)
            checked.wrong[number] = "duplicate"
    elif isinstance(values, str):
        checked.wrong[number] = values
    else:
        checked.good[number] = values


def read_values(item: Mapping[str, Any]) -> Judgement | str:
    """Return the judgement of an item, or a code for what is wrong with it."""
    sentiment = number_in(item.get("sentiment"), -1, 1)
    satisfaction = number_in(item.get("satisfaction"), 0, 100)
    confidence = number_in(item.get("confidence"), 0, 1)
    if sentiment is None or satisfaction is None or confidence is None:
        return "out_of_range"
    emotion, tone, summary = item.get("emotion"), item.get("tone"), item.get("summary", "")
    if emotion not in Emotion.values or tone not in Tone.values:
        return "unknown_word"
    if not isinstance(summary, str):
        return "wrong_type"
    return Judgement(
        sentiment=sentiment,
        emotion=str(emotion),
        satisfaction=round(satisfaction),
        tone=str(tone),
        summary=storable(summary[:LONGEST_SUMMARY]),
        confidence=confidence,
    )


def number_in(value: Any, low: float, high: float) -> float | None:
    """Return a finite number within `low`..`high`; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and low <= value <= high else None
