"""What an experiment will cost, before it costs anything."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from analytics.analysis.prompts import prompt_of
from analytics.models import Arm
from analytics.models.choices import Task
from analytics.providers.prices import cost_micros, estimate_tokens, price_of

# Messages of one request share its instructions (reference ai.md §1.3).
SHARED_BY = 20
# A message of service with its context, and one answer, in tokens; measured on demonstration data.
MESSAGE_TOKENS, ANSWER_TOKENS = 120, 75


@dataclass(frozen=True, slots=True)
class Estimate:
    """Money in millionths; `unknown` are models without a price, which count as free here."""

    micros: int
    unknown: tuple[str, ...] = ()


def estimate_micros(arms: Sequence[Arm], messages: int) -> Estimate:
    """Return about what all sides cost for so many messages; the embedded analyser is free."""
    total, unknown = 0, []
    today = timezone.localdate()
    for arm in arms:
        if arm.provider_id is None:
            continue
        price = price_of(arm.provider_id, arm.model_name, today)
        if price is None:
            unknown.append(arm.model_name)
        requests = -(-messages // SHARED_BY)
        instructions = requests * estimate_tokens(prompt_of(Task.MESSAGE, arm.template).body)
        read = instructions + messages * MESSAGE_TOKENS
        total += cost_micros(price, read, 0, messages * ANSWER_TOKENS)
    return Estimate(total, tuple(unknown))
