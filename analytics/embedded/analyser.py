"""Judging messages offline: sentiment, emotion, satisfaction, tone, summary, and why."""

from collections.abc import Sequence

import numpy as np

from analytics.embedded import inputs, network
from analytics.embedded.cues import cues_of
from analytics.embedded.injection import without_orders
from analytics.embedded.network import EMOTIONS, GRADES, TONES, Array
from analytics.embedded.summary import summarise
from analytics.embedded.text import clean, tokens
from analytics.values import Judgement, Turn

VERSION = "embedded-pt-1"
GOOD = frozenset({"alegria", "gratidao", "surpresa"})
BAD = frozenset({"frustracao", "raiva", "tristeza", "preocupacao", "confusao", "surpresa"})
EVEN = frozenset({"neutro", "confusao", "preocupacao", "surpresa"})
# A word or two of assent says nothing without what it answers.
_ASSENT = frozenset(
    """ok sim nao beleza certo isso ta esta pode tudo bem uhum aham entendi claro blz tchau oi ola
    bom_dia boa_tarde boa_noite bom dia boa tarde noite <n> <nn> ah hum opa e ai alo yes no si
    vale okay""".split()
)
UNSURE = 0.2


class EmbeddedAnalyser:
    """Deterministic; knows no company and keeps nothing; safe to share between threads."""

    version = VERSION

    def judge(
        self, texts: Sequence[str], contexts: Sequence[Sequence[Turn]] | None = None
    ) -> list[Judgement]:
        """Return one judgement a text; a text that says nothing is neutral and unsure."""
        if not texts:
            return []
        honest = [without_orders(text) for text in texts]
        rows = inputs.rows(honest)
        answers = network.answer(rows)
        cues = cues_of(honest, rows)
        return [self._one(i, text, honest[i], answers, cues[i]) for i, text in enumerate(texts)]

    def _one(self, i: int, text: str, honest: str, answers: network.Answers, cues) -> Judgement:
        sign, value, sure = sentiment_of(answers.grades[i])
        if says_nothing(honest):
            sign, value, sure = 0, 0.0, UNSURE
        return Judgement(
            sentiment=round(float(value), 3),
            emotion=_emotion(answers.emotions[i], sign),
            satisfaction=_satisfaction(float(answers.satisfaction[i]), sign),
            tone=TONES[int(np.argmax(answers.tones[i]))],
            summary=summarise(text),
            confidence=round(float(sure), 3),
            cues=cues,
        )


def sentiment_of(grades: Array) -> tuple[int, float, float]:
    """Return the sign, the value -1..1 and the confidence of probabilities of grades."""
    shares = np.array([grades[:4].sum(), grades[4], grades[5:].sum()])
    sign = int(np.argmax(shares)) - 1
    rival = shares[1 - sign] if sign else 0.0
    # Between good and bad, saying neither is the smaller error.
    if sign and shares[sign + 1] - rival < network.weights().band:
        sign = 0
    value = float(grades @ GRADES) / 4
    value = max(0.12, value) if sign > 0 else min(-0.12, value) if sign < 0 else value * 0.2
    return sign, float(np.clip(value, -1, 1)), float(shares[sign + 1])


def says_nothing(text: str) -> bool:
    """Tell whether only assent, greeting or numbers are there."""
    words = tokens(clean(text))
    return len(words) <= 4 and all(word in _ASSENT or word in ",.;:?" for word in words)


def _emotion(shares: Array, sign: int) -> str:
    allowed = GOOD if sign > 0 else BAD if sign < 0 else EVEN
    ranked = np.argsort(-shares)
    return next(EMOTIONS[i] for i in ranked if EMOTIONS[i] in allowed)


def _satisfaction(answer: float, sign: int) -> int:
    value = 50 + 50 * answer
    value = max(55.0, value) if sign > 0 else min(45.0, value) if sign < 0 else value
    return int(np.clip(round(value), 0, 100))
