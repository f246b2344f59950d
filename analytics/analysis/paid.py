"""One paid operation against a provider: held in the budget, asked, written down, settled."""

from collections.abc import Mapping
from typing import Any

import orjson

from analytics.analysis import budget
from analytics.analysis.calls import Asked, Spent, write_calls
from analytics.analysis.context import tokens_of
from analytics.models import AiSettings
from analytics.providers.chat import ChatOutcome, ask

BUDGET = "budget_exhausted"


def ask_paid(
    asked: Asked,
    settings: AiSettings,
    content: Mapping[str, Any],
    *,
    items: int,
    part: str,
    output_tokens: int,
    deadline_seconds: float,
    values: Mapping[str, str] | None = None,
) -> tuple[ChatOutcome, Spent]:
    """Ask with `content` as the only data; an error `budget_exhausted` means nobody was asked."""
    system = asked.prompt.system(**(values or {}))
    user = orjson.dumps(content).decode()
    params = dict(asked.prompt.params)
    most = int(params.pop("max_output_tokens", 0) or output_tokens)
    tokens_in = tokens_of(system) + tokens_of(user)
    held = budget.reserve(
        settings, part, tokens=tokens_in + most, micros=_counted(asked, settings, tokens_in, most)
    )
    if held is None:
        return ChatOutcome("error", BUDGET), Spent()
    spent = Spent()
    try:
        outcome = ask(
            asked.ref,
            purpose=asked.purpose,
            model=asked.model,
            system=system,
            user=user,
            schema=asked.prompt.schema,
            params={**params, "max_tokens": most},
            deadline_seconds=deadline_seconds,
        )
        spent = write_calls(asked, outcome.attempts, items=items)
    finally:
        budget.settle(
            held,
            settings,
            tokens=spent.input_tokens + spent.output_tokens,
            micros=spent.micros if _is_same_currency(asked, settings) else 0,
        )
    return outcome, spent


def _counted(asked: Asked, settings: AiSettings, tokens_in: int, tokens_out: int) -> int:
    return asked.cost(tokens_in, 0, tokens_out) if _is_same_currency(asked, settings) else 0


def _is_same_currency(asked: Asked, settings: AiSettings) -> bool:
    return asked.price is not None and asked.price.currency == settings.currency
