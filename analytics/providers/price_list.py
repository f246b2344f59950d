"""The prices that a company, or the house, entered for its providers' models."""

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from analytics.providers.models import ModelPrice, Provider
from analytics.providers.rows import own_row, provider_row
from evosense.core.errors import Invalid, NotFound
from tenancy.services import audit

# For a million tokens; more is a mistake in the unit.
MOST = Decimal(100_000)
CURRENCIES = ("BRL", "USD", "EUR")
_MILLION = 1_000_000


def prices_of(provider_id: UUID) -> list[ModelPrice]:
    """Return all prices of a provider that may be used here, each model's newest first."""
    provider = provider_row(provider_id)
    return list(ModelPrice.objects.filter(provider=provider).order_by("model", "-valid_from"))


def set_price(
    provider_id: UUID,
    *,
    model: str,
    valid_from: dt.date,
    input_price: Decimal,
    output_price: Decimal,
    cached_input_price: Decimal | None = None,
    currency: str = "BRL",
) -> ModelPrice:
    """Enter what a model costs from a day on, for a million tokens; the same day is corrected.

    Calls keep the cost they were written down with.
    """
    provider = own_row(provider_id)
    if not 1 <= len(model.strip()) <= 120:
        raise Invalid("invalid", _("Name the model."), field="model")
    if currency not in CURRENCIES:
        raise Invalid("invalid", _("Choose a currency."), field="currency")
    values = {
        "tenant_id": provider.tenant_id,
        "input_micros": _micros(input_price, "input_price"),
        "output_micros": _micros(output_price, "output_price"),
        "cached_input_micros": None
        if cached_input_price is None
        else _micros(cached_input_price, "cached_input_price"),
        "currency": currency,
    }
    with transaction.atomic():
        price, _is_new = ModelPrice.objects.update_or_create(
            provider=provider, model=model.strip(), valid_from=valid_from, defaults=values
        )
        _note("provider.price_set", provider, price, ["", price.input_micros])
    return price


def remove_price(provider_id: UUID, price_id: int) -> None:
    """Forget a price; what it was used for stays as it was written down."""
    provider = own_row(provider_id)
    price = ModelPrice.objects.filter(provider=provider, pk=price_id).first()
    if price is None:
        raise NotFound("not_found", _("There is no such price."))
    with transaction.atomic():
        _note("provider.price_removed", provider, price, [price.input_micros, ""])
        price.delete()


def in_units(micros: int | None) -> Decimal | None:
    """Return a stored price in whole units of its currency."""
    return None if micros is None else Decimal(micros) / _MILLION


def _micros(value: Decimal, field: str) -> int:
    try:
        is_fine = value.is_finite() and 0 <= value <= MOST
    except InvalidOperation:
        is_fine = False
    if not is_fine:
        message = _("Enter a price for a million tokens, from 0 to 100,000.")
        raise Invalid("invalid", message, field=field)
    return int((value * _MILLION).to_integral_value())


def _note(action: str, provider: Provider, price: ModelPrice, change: list[Any]) -> None:
    audit.record(
        action,
        object_type="provider",
        object_id=provider.pk,
        object_label=f"{provider.name}: {price.model}",
        changes={"input_micros": change},
    )
