"""In which money each side of an experiment is paid: that of its model's price."""

from collections.abc import Mapping, Sequence

from django.utils import timezone

from analytics.analysis.settings import ai_settings
from analytics.models import Arm, ExperimentRun
from analytics.providers.prices import price_of


def currencies_of(arms: Sequence[Arm]) -> dict[str, str]:
    """Return the currency of each side by its key; the budget's where nothing has a price."""
    own = ai_settings().currency
    return {arm.key: currency_of(arm) or own for arm in arms}


def currency_of(arm: Arm) -> str:
    """Return the currency of the price of a side's model; "" without a price."""
    if arm.provider_id is None:
        return ""
    price = price_of(arm.provider_id, arm.model_name, timezone.localdate())
    return price.currency if price else ""


def spent_by(
    run: ExperimentRun, arms: Sequence[Arm], currencies: Mapping[str, str]
) -> dict[str, int]:
    """Return what a run spent in millionths by currency; calls under way count where it is one."""
    paid = {currencies[arm.key] for arm in arms if arm.provider_id} or set(currencies.values())
    if len(paid) == 1:
        return {paid.pop(): run.spent_micros}
    spent: dict[str, int] = {}
    for arm in arms:
        currency = currencies[arm.key]
        spent[currency] = spent.get(currency, 0) + arm.spent_micros
    return spent
