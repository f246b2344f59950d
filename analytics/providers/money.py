"""Amounts and prices as people write them; never added across currencies."""

from collections.abc import Mapping
from decimal import Decimal

from evosense.core.wording import number_words

MICROS = 1_000_000
_SIGNS = {"BRL": "R$", "USD": "US$", "EUR": "€"}


def money_words(micros: float, currency: str = "BRL") -> str:
    """Return millionths of a currency in words: R$ 2,38; small ones with four digits."""
    amount = Decimal(round(micros)) / MICROS
    return _words(amount, 4 if 0 < abs(amount) < 1 else 2, currency)


def sums_words(sums: Mapping[str, int], currency: str = "BRL") -> str:
    """Return amounts by currency, never added to one another; nothing is zero of `currency`."""
    told = [money_words(micros, one) for one, micros in sorted(sums.items()) if micros]
    return " + ".join(told) or money_words(0, currency)


def sign_of(currency: str) -> str:
    """Return what stands before an amount: R$, US$, or the code itself."""
    return _SIGNS.get(currency, currency)


def price_words(micros: int, currency: str) -> str:
    """Return a price with the digits that it has, two at least: R$ 10,00 and US$ 0,075."""
    amount = (Decimal(micros) / MICROS).normalize()
    exponent = amount.as_tuple().exponent
    return _words(amount, max(2, -exponent if isinstance(exponent, int) else 0), currency)


def _words(amount: Decimal, digits: int, currency: str) -> str:
    return f"{sign_of(currency)} {number_words(amount, digits)}"
