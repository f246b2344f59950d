import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.experiments.statistics.proportions import holm, mcnemar, messages_needed, wilson
from analytics.experiments.statistics.shapes import jensen_shannon, population_stability, weights

counts = st.lists(st.integers(0, 200), min_size=5, max_size=5).filter(sum)


def test_mcnemar_of_the_reference():
    found = mcnemar(10, 25)
    assert found.exact == pytest.approx(0.0167, abs=5e-5)
    assert found.mid == pytest.approx(0.0113, abs=5e-5)


def test_mcnemar_without_pairs_or_with_equal_ones_sees_nothing():
    assert (mcnemar(0, 0).exact, mcnemar(0, 0).mid) == (1, 1)
    assert mcnemar(7, 7).exact == 1


def test_mcnemar_bears_many_pairs():
    assert mcnemar(3000, 3000).exact == 1
    assert mcnemar(2000, 4000).mid < 1e-100


@given(st.integers(0, 60), st.integers(0, 60))
def test_mid_p_is_never_above_the_exact_one_and_sides_may_change(b, c):
    found = mcnemar(b, c)
    assert 0 < found.mid <= found.exact <= 1
    assert found.exact == mcnemar(c, b).exact


@pytest.mark.parametrize(
    ("discordant", "difference", "messages"),
    [
        (0.10, 0.02, 1960),
        (0.10, 0.03, 870),
        (0.10, 0.05, 312),
        (0.10, 0.08, 121),
        (0.20, 0.02, 3923),
        (0.20, 0.03, 1742),
        (0.20, 0.05, 626),
        (0.20, 0.08, 243),
        (0.30, 0.02, 5885),
        (0.30, 0.03, 2614),
        (0.30, 0.05, 940),
        (0.30, 0.08, 366),
    ],
)
def test_sizes_are_those_of_the_table(discordant, difference, messages):
    assert messages_needed(difference, discordant) == messages


@pytest.mark.parametrize(("difference", "discordant"), [(0, 0.2), (1.2, 0.2), (0.05, 0), (0.1, 2)])
def test_a_size_of_no_difference_is_refused(difference, discordant):
    with pytest.raises(ValueError, match="shares"):
        messages_needed(difference, discordant)


def test_more_difference_than_discordance_counts_as_as_much():
    assert messages_needed(0.5, 0.2) == messages_needed(0.5, 0.5)


def test_wilson_of_known_values():
    low, high = wilson(0, 10)
    assert (low, high) == (0, pytest.approx(0.2775, abs=5e-4))
    low, high = wilson(8, 10)
    assert (low, high) == (pytest.approx(0.4902, abs=5e-4), pytest.approx(0.9433, abs=5e-4))
    assert wilson(10, 10)[1] == pytest.approx(1)
    assert wilson(0, 0) is None


def test_holm_corrects_step_by_step():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_lowers_a_value_and_keeps_the_order(values):
    corrected = holm(values)
    assert all(new >= old for new, old in zip(corrected, values, strict=True))
    assert all(new <= 1 for new in corrected)
    ordered = [new for _, new in sorted(zip(values, corrected, strict=True))]
    assert ordered == sorted(ordered)


def test_stability_of_a_known_example():
    # (.5-.4)ln(.5/.4) + (.5-.6)ln(.5/.6)
    assert population_stability([50, 50], [40, 60]) == pytest.approx(0.040547, abs=1e-5)
    assert population_stability([0, 0], [1, 1]) is None


@given(counts, counts)
def test_divergences_are_zero_for_equals_and_never_negative(now, before):
    assert population_stability(now, now) == 0
    assert population_stability(now, before) >= 0
    assert jensen_shannon(now, now) == pytest.approx(0, abs=1e-12)
    assert jensen_shannon(now, before) == pytest.approx(jensen_shannon(before, now))


def test_shapes_with_nothing_in_common_are_one_bit_apart():
    assert jensen_shannon([1, 0], [0, 1]) == 1
    assert jensen_shannon([0, 0], [0, 1]) is None


def test_weights_are_the_inverse_chances():
    assert weights([0.5, 0.25, 0.25]).tolist() == pytest.approx([0.6, 1.2, 1.2])
    with pytest.raises(ValueError, match="chance"):
        weights([0.0])
