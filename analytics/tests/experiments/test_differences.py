import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.experiments.statistics import differences as d

numbers = st.floats(-1, 1, allow_nan=False)
pairs = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=40)


def test_distances_of_a_small_example_are_those_of_the_hand():
    values, truth = [1.0, 2.0, 4.0], [1.0, 4.0, 3.0]
    assert d.mean_absolute_error(values, truth) == pytest.approx(1.0)
    assert d.root_mean_square_error(values, truth) == pytest.approx((5 / 3) ** 0.5)
    assert d.bias(values, truth) == pytest.approx(-1 / 3)


def test_correlations_of_a_textbook_example():
    # Spearman's own kind of example: IQ against hours of television, rho = -29/165.
    iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110]
    hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]
    assert d.spearman(iq, hours) == pytest.approx(-29 / 165)
    assert d.pearson([1, 2, 3], [2, 4, 6]) == pytest.approx(1.0)


def test_ties_share_the_mean_of_their_ranks():
    assert d.ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_bland_altman_reaches_two_deviations():
    limits = d.bland_altman([1.0, 3.0], [0.0, 0.0])
    assert limits is not None
    assert limits.bias == 2
    assert limits.high - limits.bias == pytest.approx(1.96 * 2**0.5)


@pytest.mark.parametrize(
    "formula",
    [d.mean_absolute_error, d.root_mean_square_error, d.bias, d.pearson, d.flip_rate],
)
def test_nothing_has_no_value(formula):
    assert formula([], []) is None


def test_a_constant_side_has_no_correlation():
    assert d.pearson([1, 1, 1], [1, 2, 3]) is None


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="paired"):
        d.bias([1.0], [1.0, 2.0])


def test_only_strong_opposite_polarities_are_flips():
    values = [0.5, -0.5, 0.05, -0.1, 0.0]
    truth = [-0.5, -0.2, -0.9, 0.1, 0.9]
    assert d.flips(values, truth).tolist() == [1, 0, 0, 1, 0]
    assert d.flip_rate(values, truth) == pytest.approx(0.4)


@given(pairs)
def test_the_root_of_squares_is_never_below_the_mean_distance(rows):
    a, b = [one for one, _ in rows], [two for _, two in rows]
    mae, rmse, mean = (f(a, b) for f in (d.mean_absolute_error, d.root_mean_square_error, d.bias))
    assert abs(mean) - 1e-9 <= mae <= rmse + 1e-9


@given(pairs)
def test_correlations_stay_within_one_and_do_not_mind_the_order(rows):
    a, b = [one for one, _ in rows], [two for _, two in rows]
    for formula in (d.pearson, d.spearman):
        value = formula(a, b)
        assert value is None or -1 <= value <= 1
        assert value == pytest.approx(formula(b, a))
