"""One paid operation against a provider: held in the budget, asked, written down, settled."""

import logging
from collections.abc import Mapping
from typing import Any

import orjson

from analytics.analysis import budget
from analytics.analysis.calls import Asked, Spent, spent_on, write_calls
from analytics.analysis.context import tokens_of
from analytics.models import AiSettings, Reservation
from analytics.providers.chat import ChatOutcome, ask

logger = logging.getLogger(__name__)

BUDGET = "budget_exhausted"
NO_PRICE = "no_price"
BROKEN = "internal_error"


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
    """Ask with `content` as the only data; with `budget_exhausted` or `no_price` nobody was asked.

    Never raises for what happens around the call: that is the error `internal_error`.
    """
    system = asked.prompt.system(**(values or {}))
    user = orjson.dumps(content).decode()
    params = dict(asked.prompt.params)
    most = int(params.pop("max_output_tokens", 0) or output_tokens)
    tokens_in = tokens_of(system) + tokens_of(user)
    if _is_uncountable(asked, settings):
        return ChatOutcome("error", NO_PRICE), Spent()
    held = budget.reserve(
        settings, part, tokens=tokens_in + most, micros=_counted(asked, settings, tokens_in, most)
    )
    if held is None:
        return ChatOutcome("error", BUDGET), Spent()
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
    except Exception:
        logger.exception("a provider could not be asked")
        # Nobody knows whether it left; a provider bills what it got.
        budget.settle(held, settings, tokens=held.tokens, micros=held.micros)
        return ChatOutcome("error", BROKEN), Spent()
    return outcome, _settled(asked, settings, held, outcome, items)


def _settled(
    asked: Asked, settings: AiSettings, held: Reservation, outcome: ChatOutcome, items: int
) -> Spent:
    """Count what the attempts took, and write them down."""
    spent = spent_on(asked, outcome.attempts)
    budget.settle(
        held,
        settings,
        tokens=spent.input_tokens + spent.output_tokens,
        micros=spent.micros if _is_same_currency(asked, settings) else 0,
    )
    return write_calls(asked, outcome.attempts, items=items)


def _is_uncountable(asked: Asked, settings: AiSettings) -> bool:
    """Tell whether a limit of money would be kept without knowing what a call costs."""
    is_free = asked.ref.is_local
    return asked.price is None and settings.cost_limit_micros is not None and not is_free


def _counted(asked: Asked, settings: AiSettings, tokens_in: int, tokens_out: int) -> int:
    return asked.cost(tokens_in, 0, tokens_out) if _is_same_currency(asked, settings) else 0


def _is_same_currency(asked: Asked, settings: AiSettings) -> bool:
    return asked.price is not None and asked.price.currency == settings.currency
