"""What a whole conversation came to, from its turns and what was judged of each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from analytics.embedded.categories import category_of, named_in
from analytics.embedded.courtesy import is_courtesy, without_greeting
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
    # Whether the company had said anything by then.
    was_answered: bool

    @property
    def is_bad(self) -> bool:
        return bool(self.weight) and self.judgement.sentiment < -0.1


def judge_conversation(turns: Sequence[tuple[Turn, Judgement | None]]) -> ConversationValues:
    """Return the values of a conversation; only what the customer wrote is weighed."""
    heard = _heard(turns)
    total = sum(one.weight for one in heard)
    return ConversationValues(
        category=category_of([turn.text for turn, _j in turns if turn.who == "C"]),
        sentiment=_mean(heard, [one.judgement.sentiment for one in heard]),
        satisfaction=_rounded(_mean(heard, [float(one.judgement.satisfaction) for one in heard])),
        trend=_trend(heard),
        resolved=_resolved(heard, total),
        summary=_summary(turns),
        confidence=round(min(1.0, total / 2) * _sureness(heard) * _agreement(heard), 3),
    )


def _heard(turns: Sequence[tuple[Turn, Judgement | None]]) -> list[_Heard]:
    first = next((at for at, (turn, _j) in enumerate(turns) if turn.who == "A"), len(turns))
    said = [(at, t.text, j) for at, (t, j) in enumerate(turns) if t.who == "C" and j is not None]
    last = len(said) - 1
    return [
        _Heard(text, judgement, _counts(judgement) * 0.5 ** ((last - i) / HALVING), at > first)
        for i, (at, text, judgement) in enumerate(said)
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
    """Return no after a bad end or an unanswered complaint, yes after thanks for an answer."""
    if total < FEWEST_EVIDENCE:
        return "unknown"
    if heard[-1].is_bad or (not heard[-1].was_answered and any(one.is_bad for one in heard)):
        return "no"
    last = heard[-ENDS:]
    is_over = any(_is_settled(last, i) for i in range(len(last)))
    return "yes" if is_over else "unknown"


def _is_settled(last: Sequence[_Heard], i: int) -> bool:
    """Tell whether a message says that it is settled, and nothing after it says otherwise."""
    one, after = last[i], last[i + 1 :]
    # Praise of goods uses the same words as thanks; without an answer it settles nothing.
    if not one.was_answered or one.judgement.sentiment <= -0.1:
        return False
    if any("?" in late.text or late.is_bad for late in (one, *after)):
        return False
    return bool(_RESOLVED.search(_UNDONE.sub(" ", " ".join(tokens(one.text)))))


def _summary(turns: Sequence[tuple[Turn, Judgement | None]]) -> str:
    """Return where the matter is first named, the strongest words, and the last, in their order."""
    said = [(turn.text, judgement) for turn, judgement in turns if turn.who == "C"]
    said = [one for one in said if one[0].strip()]
    said = [one for one in said if not is_courtesy(one[0])] or said[:1]
    if not said:
        return ""
    places = range(len(said))
    first = next((at for at in places if named_in(said[at][0])), 0)
    strongest = max(places, key=lambda at: _strength(said[at][1]))
    chosen = sorted({first, strongest, len(said) - 1})
    room = SUMMARY_LENGTH // len(chosen) - 3
    parts = (summarise(without_greeting(said[at][0]), room) for at in chosen)
    return cut(" … ".join(parts), SUMMARY_LENGTH)


def _strength(judgement: Judgement | None) -> float:
    return abs(judgement.sentiment * judgement.confidence) if judgement else 0.0


def _agreement(heard: Sequence[_Heard]) -> float:
    """Return 1 where all opinions have one sign, down to 0.5 where they cancel each other out."""
    values = [one.weight * one.judgement.sentiment for one in heard]
    strength = sum(map(abs, values))
    return 0.5 + 0.5 * abs(sum(values)) / strength if strength else 1.0


def _sureness(heard: Sequence[_Heard]) -> float:
    sure = [one.judgement.confidence for one in heard if one.weight]
    return sum(sure) / len(sure) if sure else 0.0
