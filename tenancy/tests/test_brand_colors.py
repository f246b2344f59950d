"""A company's colour becomes tokens that pass the same checks as the house's own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evosense.core import colors
from evosense.core.tests import test_look
from tenancy.brand_colors import _GREYS, _LADDER, palette_of

HEX = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.48), ("#0b7a5b", "#0b7a5b", 1)],
)
def test_contrast_is_that_of_wcag(first, second, expected):
    assert colors.contrast(first, second) == pytest.approx(expected, abs=0.01)


@given(HEX)
@settings(max_examples=100, deadline=None)
def test_a_colour_survives_the_way_there_and_back(color):
    back = colors.from_oklch(*colors.to_oklch(color))
    parts = [(int(color[i : i + 2], 16), int(back[i : i + 2], 16)) for i in (1, 3, 5)]
    assert all(abs(one - other) <= 2 for one, other in parts)


@pytest.mark.parametrize("text", ["red", "#fff", "#0b7a5b;", "#0b7a5g", "#0b7a5b\n", ""])
def test_only_six_digits_are_a_colour(text):
    assert not colors.is_hex(text)


def test_the_ladder_is_that_of_the_tokens():
    for number, scheme in enumerate(("light", "dark")):
        for token, grey in _GREYS[scheme].items():
            assert test_look.oklch(token, scheme) == pytest.approx(grey), (token, number)
        for token, step in _LADDER[scheme].items():
            written = test_look.oklch(token, scheme)
            assert written[:2] == pytest.approx((step.light, step.chroma)), token


# Every pair of the look in which a token of the brand takes part.
PAIRS = [
    *[(one, other, 4.5) for one, other in test_look.TEXT_PAIRS],
    *[(one, other, 3.0) for one, other in test_look.CONTROL_PAIRS],
]


def check(color):
    palette = palette_of(color)
    for scheme, own in (("light", palette.light), ("dark", palette.dark)):
        greys = {name: colors.from_oklch(*grey) for name, grey in _GREYS[scheme].items()}
        known = {**greys, **own}
        for one, other, ratio in PAIRS:
            if {one, other} & set(own) and {one, other} <= set(known):
                found = colors.contrast(known[one], known[other])
                assert found >= ratio, (color, scheme, one, other, found)


@pytest.mark.parametrize(
    "color",
    ["#000000", "#ffffff", "#ff0000", "#00ff00", "#0000ff", "#ffff00", "#ff00ff", "#00ffff",
     "#808080", "#0b7a5b", "#f97316", "#7c3aed"],
)  # fmt: skip
def test_extreme_colours_stay_readable_in_both_schemes(color):
    check(color)


@given(HEX)
@settings(max_examples=60, deadline=None)
def test_any_colour_stays_readable_in_both_schemes(color):
    check(color)


def test_a_good_colour_is_kept_and_a_bad_one_is_moved():
    assert palette_of("#1d4ed8").light["brand"] == "#1d4ed8"
    assert "light" in palette_of("#ffff00").adjusted


def test_the_stylesheet_holds_colours_and_nothing_else():
    css = palette_of("#7c3aed").css()
    assert css.startswith(":root {--brand: light-dark(#")
    assert css.count("light-dark(") == len(_LADDER["light"])
