import pytest
from django.utils import translation

from analytics.providers.money import money_words, price_words


@pytest.mark.parametrize(
    ("micros", "currency", "words"),
    [
        (10_000_000, "BRL", "R$ 10,00"),
        (1_250_500_000, "BRL", "R$ 1.250,50"),
        (75_000, "USD", "US$ 0,075"),
        (0, "EUR", "€ 0,00"),
    ],
)
def test_a_price_has_its_sign_and_the_digits_that_count(micros, currency, words) -> None:
    with translation.override("pt-br"):
        assert price_words(micros, currency) == words


def test_small_amounts_show_four_digits() -> None:
    with translation.override("pt-br"):
        assert money_words(12_300) == "R$ 0,0123"
        assert money_words(2_380_000, "USD") == "US$ 2,38"
