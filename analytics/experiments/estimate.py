"""What an experiment will cost, before it costs anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.analysis.paid import NO_PRICE, why_uncountable
from analytics.analysis.prompts import prompt_of
from analytics.analysis.settings import ai_settings
from analytics.models import AiSettings, Arm, ExperimentRun
from analytics.models.choices import Task
from analytics.providers.prices import cost_micros, estimate_tokens, price_of
from analytics.providers.refs import ProviderUnavailable, provider_ref
from evosense.core.errors import Invalid

# Messages of one request share its instructions (reference ai.md §1.3).
SHARED_BY = 20
# A message of service with its context, and one answer, in tokens; measured on demonstration data.
MESSAGE_TOKENS, ANSWER_TOKENS = 120, 75


@dataclass(frozen=True, slots=True)
class Estimate:
    """Money in millionths by currency; `unknown` are models without a price."""

    costs: Mapping[str, int]
    unknown: tuple[str, ...] = ()

    @property
    def micros(self) -> int:
        """Return the sum, which only means something where all is in the budget's currency."""
        return sum(self.costs.values())


def estimate_micros(arms: Sequence[Arm], messages: int) -> Estimate:
    """Return about what all sides cost for so many messages; the embedded analyser is free."""
    costs: dict[str, int] = {}
    unknown = []
    today = timezone.localdate()
    for arm in arms:
        if arm.provider_id is None:
            continue
        price = price_of(arm.provider_id, arm.model_name, today)
        if price is None:
            if not _is_local(arm):
                unknown.append(arm.model_name)
            continue
        requests = -(-messages // SHARED_BY)
        instructions = requests * estimate_tokens(prompt_of(Task.MESSAGE, arm.template).body)
        read = instructions + messages * MESSAGE_TOKENS
        cost = cost_micros(price, read, 0, messages * ANSWER_TOKENS)
        costs[price.currency] = costs.get(price.currency, 0) + cost
    return Estimate(costs, tuple(dict.fromkeys(unknown)))


def expected_messages(run: ExperimentRun) -> int:
    """Return how many messages a run will judge at most."""
    return run.gold_set.items.count() if run.gold_set else int(run.sample["size"])


def check_countable(budget_micros: int | None, arms: Sequence[Arm]) -> None:
    """Raise Invalid for a budget that could not be kept: a side without a price in its currency."""
    if budget_micros is None:
        return
    limit = AiSettings(cost_limit_micros=budget_micros, currency=ai_settings().currency)
    today = timezone.localdate()
    for arm in arms:
        if arm.provider_id is None:
            continue
        price = price_of(arm.provider_id, arm.model_name, today)
        refusal = why_uncountable(price, limit, is_local=_is_local(arm))
        if refusal == NO_PRICE:
            message = _("%(model)s has no price, so a budget could not be kept.")
        elif refusal:
            message = _("The price of %(model)s is in another currency than the budget.")
        else:
            continue
        raise Invalid(refusal, message % {"model": arm.model_name}, field="budget_micros")


def _is_local(arm: Arm) -> bool:
    try:
        return provider_ref(arm.provider_id).is_local
    except ProviderUnavailable:
        return False
