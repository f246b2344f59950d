"""Judging messages offline: sentiment, emotion, satisfaction, tone, summary, and why."""

from collections.abc import Sequence

import numpy as np

from analytics.embedded import inputs, machine
from analytics.embedded.cues import cues_of
from analytics.embedded.decision import sign_of
from analytics.embedded.injection import without_orders
from analytics.embedded.machine import EMOTIONS, TONES, Answers, Array
from analytics.embedded.plain_words import is_plain
from analytics.embedded.replies import answered, says_nothing
from analytics.embedded.summary import summarise
from analytics.values import Cue, Judgement, Turn

VERSION = "embedded-pt-2"
# The emotions that go with each sign; surprise goes either way.
ALLOWED = {
    1: frozenset({"alegria", "gratidao", "surpresa"}),
    -1: frozenset({"frustracao", "raiva", "tristeza", "preocupacao", "confusao", "surpresa"}),
    0: frozenset({"neutro", "confusao", "preocupacao", "surpresa"}),
}
UNSURE = 0.2
# Where a rule overrules what was learnt: enough for means, no more.
PLAIN = 0.5
# Neutral messages stay inside this, opinions outside of it.
EDGE = 0.1


class EmbeddedAnalyser:
    """Deterministic; knows no company and keeps nothing; safe to share between threads."""

    version = VERSION

    def judge(
        self, texts: Sequence[str], contexts: Sequence[Sequence[Turn]] | None = None
    ) -> list[Judgement]:
        """Return one judgement a text; a text that says nothing is neutral and unsure.

        A context is what came before, oldest first; only short answers are read by it.
        """
        if not texts:
            return []
        around = contexts or [()] * len(texts)
        honest = without_orders(texts)
        answers = machine.answer(honest, inputs.read(honest))
        cues = cues_of(honest)
        return [
            _judgement(texts[i], _opinion(honest[i], around[i], answers, i), answers, i, cues[i])
            for i in range(len(texts))
        ]


def _opinion(
    text: str, context: Sequence[Turn], answers: Answers, i: int
) -> tuple[int, float, float]:
    """Return the sign, the value -1..1 and the confidence."""
    if says_nothing(text):
        return answered(text, context) or (0, 0.0, UNSURE)
    shares = answers.signs[i]
    sign = sign_of(shares)
    if sign < 0 and is_plain(text):
        return 0, 0.0, PLAIN
    return sign, _value(sign, float(answers.grade[i])), float(shares[sign + 1])


def _value(sign: int, grade: float) -> float:
    if sign == 0:
        return float(np.clip(grade * 0.2, -EDGE + 0.01, EDGE - 0.01))
    return sign * float(np.clip(sign * grade, EDGE + 0.02, 1.0))


def _judgement(
    text: str, opinion: tuple[int, float, float], answers: Answers, i: int, cues: tuple[Cue, ...]
) -> Judgement:
    sign, value, sure = opinion
    return Judgement(
        sentiment=round(value, 3),
        emotion=_emotion(answers.emotions[i], sign) if sure > UNSURE else EMOTIONS[-1],
        satisfaction=_satisfaction(float(answers.satisfaction[i]), sign, sure),
        tone=TONES[int(np.argmax(answers.tones[i]))],
        summary=summarise(text),
        confidence=round(min(sure, 1.0), 3),
        cues=cues,
    )


def _emotion(shares: Array, sign: int) -> str:
    best = max(range(len(EMOTIONS)), key=lambda k: shares[k] if EMOTIONS[k] in ALLOWED[sign] else 0)
    return EMOTIONS[best]


def _satisfaction(answer: float, sign: int, sure: float) -> int:
    if sure <= UNSURE:
        return 50
    value = 50 + 50 * answer
    if sign:
        value = 50 + sign * max(5.0, sign * (value - 50))
    return int(np.clip(round(value), 0, 100))
