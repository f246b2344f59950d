"""What a side of the playground said, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.experiments import words
from analytics.models import Inference
from analytics.providers.money import money_words
from analytics.values import FEWEST_CONFIDENCE
from analytics.views.panel.words import (
    certainty_words,
    emotion_words,
    reason_words,
    tone_words,
)
from messaging.selectors.judged import sentiment_level


@dataclass(frozen=True, slots=True)
class Answer:
    """One judgement; `problem` says why there is none, `note` what is odd about it."""

    problem: str = ""
    note: str = ""
    level: int | None = None
    is_sure: bool = False
    emotion: str = ""
    tone: str = ""
    confidence: float | None = None
    certainty: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """A side's sums: tokens, money, the slowest answer, and texts without a judgement."""

    tokens: int
    cost: str
    slowest: str
    failed: int


def answer_of(row: Inference) -> Answer:
    if row.status != Inference.Status.OK:
        return Answer(problem=str(row.get_status_display()), note=reason_words(row.error))
    return Answer(
        note=reason_words(row.error),
        level=sentiment_level(row.sentiment),
        is_sure=(row.confidence or 0) >= FEWEST_CONFIDENCE,
        emotion=emotion_words(row.emotion),
        tone=tone_words(row.tone),
        confidence=row.confidence,
        certainty=certainty_words(row.confidence),
    )


def total_of(rows: Sequence[Inference], currency: str) -> Total:
    return Total(
        tokens=sum(row.input_tokens + row.output_tokens for row in rows),
        cost=money_words(sum(row.cost_micros for row in rows), currency),
        slowest=words.seconds(max((row.latency_ms for row in rows), default=0)),
        failed=sum(row.status != Inference.Status.OK for row in rows),
    )
