"""The month's budget as bars: what was used of what may be used, whole and by part."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from analytics.analysis.selectors import budget_states
from analytics.analysis.settings import ai_settings
from analytics.models import AiBudget
from analytics.providers.money import money_words
from evosense.core.wording import number_words

_NEAR, _FULL = 80, 100


@dataclass(frozen=True)
class BudgetLine:
    """One bar; `limit` is "" where nothing is limited, and `tone` the fill of the bar."""

    label: str
    what: str
    used: str
    limit: str
    percent: int
    tone: str


def budget_lines() -> list[BudgetLine]:
    """Return tokens and money of the whole, then of the parts that used any."""
    lines = []
    in_money = partial(money_words, currency=ai_settings().currency)
    for state in budget_states():
        label = str(AiBudget.Part(state.part).label)
        is_whole = state.part == AiBudget.Part.ALL
        if is_whole or state.used_tokens or state.limits.tokens is not None:
            lines.append(
                _line(label, _("tokens"), state.used_tokens, state.limits.tokens, number_words)
            )
        if is_whole or state.used_micros or state.limits.micros is not None:
            lines.append(_line(label, _("money"), state.used_micros, state.limits.micros, in_money))
    return lines


def _line(label: str, what: str, used: int, limit: int | None, words: Any) -> BudgetLine:
    percent = 0 if limit is None else (_FULL if not limit else min(_FULL, used * 100 // limit))
    tone = "b" if percent >= _FULL else "w" if percent >= _NEAR else "1"
    return BudgetLine(
        label, what, words(used), "" if limit is None else words(limit), percent, tone
    )
