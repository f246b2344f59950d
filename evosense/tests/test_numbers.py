"""Numbers: grouped where people read them, plain where machines do, read as people write them."""

from decimal import Decimal

import pytest
from django import forms
from django.conf import settings
from django.template import Context, Template
from django.utils import translation

from evosense.core.number_fields import WrittenDecimal, WrittenInteger, plain_number
from evosense.core.wording import number_words
from evosense.testing.attributes import localised_attributes
from evosense.testing.databases import FIRST_ID


def test_templates_write_ids_plainly_and_numbers_for_people_grouped() -> None:
    assert settings.USE_THOUSAND_SEPARATOR is False
    page = Template('{% load ui %}<b id="{{ n }}">{{ n|num }}</b>')
    with translation.override("pt-br"):
        assert page.render(Context({"n": 1795306439})) == '<b id="1795306439">1.795.306.439</b>'
    with translation.override("en"):
        assert page.render(Context({"n": 12345})) == '<b id="12345">12,345</b>'


def test_words_of_numbers_are_grouped_with_and_without_decimals() -> None:
    with translation.override("pt-br"):
        assert number_words(1234567) == "1.234.567"
        assert number_words(Decimal("1250.5"), 2) == "1.250,50"
        assert number_words(-1234.56, 1) == "\N{MINUS SIGN}1.234,6"
        assert number_words(999) == "999"


@pytest.mark.parametrize(
    ("language", "written", "plain"),
    [
        ("pt-br", "1.250,50", "1250.50"),
        ("pt-br", "1.000.000", "1000000"),
        ("pt-br", "1.000", "1000"),
        ("pt-br", " 1 000 ", "1000"),
        ("pt-br", "-12.345", "-12345"),
        ("pt-br", "0,5", "0.5"),
        ("pt-br", "0.5", "0.5"),
        ("pt-br", "0.150", "0.150"),
        ("pt-br", "12.34.56", "12.34.56"),
        ("pt-br", "", ""),
        ("en", "1,250.50", "1250.50"),
        ("en", "1,000", "1000"),
        ("en", "0.150", "0.150"),
    ],
)
def test_a_written_number_is_read_in_its_language(language, written, plain) -> None:
    with translation.override(language):
        assert plain_number(written) == plain


class _Form(forms.Form):
    whole = WrittenInteger(min_value=0)
    amount = WrittenDecimal(decimal_places=2)


def test_fields_take_thousands_as_people_write_them() -> None:
    with translation.override("pt-br"):
        form = _Form({"whole": "1.000", "amount": "1.250,50"})
        assert form.is_valid(), form.errors
        assert form.cleaned_data == {"whole": 1000, "amount": Decimal("1250.50")}
        wrong = _Form({"whole": "1.5", "amount": "abc"})
        assert set(wrong.errors) == {"whole", "amount"}


@pytest.mark.parametrize(
    "html",
    [
        '<input type="hidden" name="began" value="1.795.306.439">',
        '<input name="ids" value="1.000" type="hidden">',
        '<option value="1.440">',
        '<li id="m-1.234">',
        '<p id="1.234.567">',
        '<a href="/x/1.000.001/">',
        '<a href="/x/?desde=1.234">',
        '<p hx-get="/x/?desde=1.234">',
        '<p data-left="12,5">',
        '<rect width="12,5" height="1"/>',
        '<svg aria-valuenow="1.000">',
    ],
)
def test_the_guard_sees_a_number_written_for_people(html) -> None:
    assert len(localised_attributes(html)) == 1


@pytest.mark.parametrize(
    "html",
    [
        '<input type="text" inputmode="decimal" value="1.250,50">',
        '<rect width="12.345" height="33.333"/>',
        '<input type="number" step="0.001" value="0.150">',
        '<a href="http://169.254.169.254/" title="1.234 mensagens">1.234</a>',
        '<svg aria-label="1.234 mensagens" viewBox="0 0 1.5 2">',
        '<link href="/static/app.3f2.js?v=1.2.3">',
        '<form data-confirm="1.234 eventos">',
    ],
)
def test_the_guard_leaves_people_their_numbers(html) -> None:
    assert localised_attributes(html) == []


def test_ids_of_tests_are_as_long_as_those_of_a_busy_house(make_user) -> None:
    assert make_user().pk >= FIRST_ID
