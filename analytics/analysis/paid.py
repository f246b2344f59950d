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
from analytics.providers.prices import Price

logger = logging.getLogger(__name__)

BUDGET = "budget_exhausted"
# The budget of one experiment, not the company's.
RUN_BUDGET = "run_budget"
NO_PRICE = "no_price"
# A price in another currency than the limit's: there is no rate here, so the limit would not hold.
OTHER_CURRENCY = "other_currency"
# Nobody is asked before a person set a price.
UNCOUNTABLE = frozenset({NO_PRICE, OTHER_CURRENCY})
BROKEN = "internal_error"
# Times the reservation that all attempts of one operation may take.
MOST_RESERVED = 3


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
    """Ask with `content` as the only data.

    Nobody was asked with `budget_exhausted`, `run_budget`, `no_price` or `other_currency`. Never
    raises for what happens around the call: that is the error `internal_error`.
    """
    system = asked.prompt.system(**(values or {}))
    user = orjson.dumps(content).decode()
    params = dict(asked.prompt.params)
    most = int(params.pop("max_output_tokens", 0) or output_tokens)
    tokens_in = tokens_of(system) + tokens_of(user)
    refusal = why_uncountable(asked.price, settings, is_local=asked.ref.is_local)
    if refusal:
        return ChatOutcome("error", refusal), Spent()
    cost = counted(asked.price, settings, asked.cost(tokens_in, 0, most))
    run_id = asked.mark.experiment
    held = budget.reserve(settings, part, tokens=tokens_in + most, micros=cost, run_id=run_id)
    if held is None:
        is_own = budget.is_run_short(run_id, cost)
        return ChatOutcome("error", RUN_BUDGET if is_own else BUDGET), Spent()
    try:
        outcome = ask(
            asked.ref,
            model=asked.model,
            system=system,
            user=user,
            schema=asked.prompt.schema,
            params={**params, "max_tokens": most},
            deadline_seconds=deadline_seconds,
            most_tokens=MOST_RESERVED * held.tokens,
        )
    except Exception:
        logger.exception("a provider could not be asked")
        # Nobody knows whether it left; a provider bills what it got.
        budget.settle(held, settings, tokens=held.tokens, micros=held.micros, run_id=run_id)
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
        micros=counted(asked.price, settings, spent.micros),
        run_id=asked.mark.experiment,
    )
    return write_calls(asked, outcome.attempts, items=items)


def why_uncountable(price: Price | None, settings: AiSettings, *, is_local: bool) -> str:
    """Return why a limit of money could not be kept with this price; "" when it can.

    What runs inside the installation costs nobody money.
    """
    if settings.cost_limit_micros is None or is_local:
        return ""
    if price is None:
        return NO_PRICE
    return "" if price.currency == settings.currency else OTHER_CURRENCY


def counted(price: Price | None, settings: AiSettings, micros: int) -> int:
    """Return what counts towards the budget: money in its own currency."""
    return micros if price is not None and price.currency == settings.currency else 0
