"""What a whole conversation came to, from its turns and what was judged of each."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analytics.embedded.concepts import concepts
from analytics.embedded.summary import cut, summarise
from analytics.embedded.text import tokens
from analytics.values import FEWEST_CONFIDENCE, Judgement, Turn

SUMMARY_LENGTH = 600
# Below this sum of weights too little was heard to call anything resolved or not.
FEWEST_EVIDENCE = 0.6
# How many later messages halve what an earlier one counts.
HALVING = 3
ENDS = 3

_RESOLVED = re.compile(
    r"\b(?:deu certo|resolv(?:ido|eu|eram|i)|funcionou|consegui|chegou certinho|tudo certo|era isso"
    r"|obrigada|valeu|agradeco|perfeito|gracias|resuelto|thanks|thank you|solved|it works)\b"
)
_UNDONE = re.compile(r"\b(?:nao|nada|nunca|ainda|still|not|no)\b(?: \w+){0,3} ")


@dataclass(frozen=True, slots=True)
class ConversationValues:
    """`resolved` is yes, no or unknown; `trend` is None with fewer than two judged messages."""

    category: str
    sentiment: float | None
    satisfaction: int | None
    trend: float | None
    resolved: str
    summary: str
    confidence: float


@dataclass(frozen=True, slots=True)
class _Heard:
    text: str
    judgement: Judgement
    weight: float


def judge_conversation(turns: Sequence[tuple[Turn, Judgement | None]]) -> ConversationValues:
    """Return the values of a conversation; only what the customer wrote is weighed."""
    heard = _heard(turns)
    total = sum(one.weight for one in heard)
    return ConversationValues(
        category=_category(turns),
        sentiment=_mean(heard, [one.judgement.sentiment for one in heard]),
        satisfaction=_rounded(_mean(heard, [float(one.judgement.satisfaction) for one in heard])),
        trend=_trend(heard),
        resolved=_resolved(heard, total),
        summary=_summary(turns),
        confidence=round(min(1.0, total / 2) * _sureness(heard), 3),
    )


def _heard(turns: Sequence[tuple[Turn, Judgement | None]]) -> list[_Heard]:
    said = [(t.text, j) for t, j in turns if t.who == "C" and j is not None]
    last = len(said) - 1
    return [
        _Heard(text, judgement, _counts(judgement) * 0.5 ** ((last - i) / HALVING))
        for i, (text, judgement) in enumerate(said)
    ]


def _counts(judgement: Judgement) -> float:
    return judgement.confidence if judgement.confidence >= FEWEST_CONFIDENCE else 0.0


def _mean(heard: Sequence[_Heard], values: Sequence[float]) -> float | None:
    total = sum(one.weight for one in heard)
    if not total:
        return None
    pairs = zip(heard, values, strict=True)
    return round(sum(one.weight * value for one, value in pairs) / total, 3)


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)


def _trend(heard: Sequence[_Heard]) -> float | None:
    sure = [one for one in heard if one.weight]
    if len(sure) < 2:
        return None
    first, last = sure[:ENDS], sure[-ENDS:]
    return round(_plain_mean(last) - _plain_mean(first), 3)


def _plain_mean(heard: Sequence[_Heard]) -> float:
    total = sum(one.judgement.confidence for one in heard)
    return sum(one.judgement.confidence * one.judgement.sentiment for one in heard) / total


def _resolved(heard: Sequence[_Heard], total: float) -> str:
    if total < FEWEST_EVIDENCE:
        return "unknown"
    last = heard[-ENDS:]
    if last[-1].judgement.sentiment < -0.1 and last[-1].weight:
        return "no"
    for i, one in enumerate(last):
        words = " ".join(tokens(one.text))
        if _RESOLVED.search(_UNDONE.sub(" ", words)) and one.judgement.sentiment > -0.1:
            after = last[i + 1 :]
            if not any(late.judgement.sentiment < -0.1 and late.weight for late in after):
                return "yes"
    return "unknown"


def _category(turns: Sequence[tuple[Turn, Judgement | None]]) -> str:
    """Return the concept that most of the customer's messages speak of, "" without one."""
    counts = Counter(name for turn, _j in turns if turn.who == "C" for name in concepts(turn.text))
    return max(counts, key=lambda name: (counts[name], name)) if counts else ""


def _summary(turns: Sequence[tuple[Turn, Judgement | None]]) -> str:
    """Return the customer's first words, the strongest, and the last, in their order."""
    said = [(i, turn.text, judgement) for i, (turn, judgement) in enumerate(turns)]
    said = [one for one in said if turns[one[0]][0].who == "C" and one[1].strip()]
    if not said:
        return ""
    strongest = max(
        said, key=lambda one: abs(one[2].sentiment * one[2].confidence) if one[2] else 0
    )
    chosen = sorted({said[0][0], strongest[0], said[-1][0]})
    room = SUMMARY_LENGTH // len(chosen) - 3
    return cut(" … ".join(summarise(turns[i][0].text, room) for i in chosen), SUMMARY_LENGTH)


def _sureness(heard: Sequence[_Heard]) -> float:
    sure = [one.judgement.confidence for one in heard if one.weight]
    return sum(sure) / len(sure) if sure else 0.0
