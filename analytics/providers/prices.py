"""What calls cost: prices by model and day, sums in whole millionths of the currency."""

import datetime as dt
import math
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from analytics.providers.models import ModelPrice
from analytics.providers.rows import provider_rows

# Measured average for Portuguese; only used where the provider tells nothing credible.
CHARACTERS_PER_TOKEN = 3.6
_MILLION = 1_000_000
# "gpt-4o-mini" is also the price of "gpt-4o-mini-2026-07-18" and of "gpt-4o-mini:latest".
_SEPARATORS = "-:@"


@dataclass(frozen=True, slots=True)
class Price:
    """Millionths of `currency` for a million tokens; cached input costs as other input if None."""

    model: str
    valid_from: dt.date
    input_micros: int
    cached_input_micros: int | None
    output_micros: int
    currency: str


def price_of(provider_id: UUID, model: str, day: dt.date) -> Price | None:
    """Return what a model costs on a day; None when nobody entered a price for it.

    A dated release (`name-2026-07-18`) costs what its name costs, unless it has a price itself.
    """
    rows = list(_prices(provider_id).filter(valid_from__lte=day).order_by("-valid_from"))
    fitting = [row for row in rows if _is_for(row.model, model)]
    if not fitting:
        return None
    longest = max(len(row.model) for row in fitting)
    found = next(row for row in fitting if len(row.model) == longest)
    return Price(
        model=found.model,
        valid_from=found.valid_from,
        input_micros=found.input_micros,
        cached_input_micros=found.cached_input_micros,
        output_micros=found.output_micros,
        currency=found.currency,
    )


def cost_micros(price: Price | None, input_tokens: int, cached: int, output_tokens: int) -> int:
    """Return the price of a call, rounded up so that many small calls are not free.

    `cached` is the part of `input_tokens` that the provider had from before.
    """
    if price is None:
        return 0
    held = max(0, min(cached, input_tokens))
    cheap = price.input_micros if price.cached_input_micros is None else price.cached_input_micros
    total = (
        (input_tokens - held) * price.input_micros
        + held * cheap
        + output_tokens * price.output_micros
    )
    return -(-total // _MILLION)


def estimate_tokens(text: str) -> int:
    """Return how many tokens a text may be: its characters / 3.6, rounded up (ai.md §1.7)."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def _prices(provider_id: UUID) -> QuerySet[ModelPrice]:
    return ModelPrice.objects.filter(provider__in=provider_rows().filter(pk=provider_id))


def _is_for(priced: str, asked: str) -> bool:
    return asked == priced or (asked.startswith(priced) and asked[len(priced)] in _SEPARATORS)
