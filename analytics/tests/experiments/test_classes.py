import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.experiments.statistics import classes as c
from analytics.experiments.statistics.alpha import krippendorff_alpha

said = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)
# Krippendorff's own example: four people, twelve units, some of them missing.
NONE = None
TEXTBOOK = [
    [1, 1, NONE, 1],
    [2, 2, 3, 2],
    [3, 3, 3, 3],
    [3, 3, 3, 3],
    [2, 2, 2, 2],
    [1, 2, 3, 4],
    [4, 4, 4, 4],
    [1, 1, 2, 1],
    [2, 2, 2, 2],
    [NONE, 5, 5, 5],
    [NONE, NONE, 1, 1],
    [NONE, NONE, 3, NONE],
]


@pytest.mark.parametrize(
    ("level", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_of_the_textbook_example(level, expected):
    assert krippendorff_alpha(TEXTBOOK, level) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_without_variety_or_without_pairs_is_undefined(level):
    assert krippendorff_alpha([[1, 1], [1, 1]], level) is None
    assert krippendorff_alpha([[1, None], [2]], level) is None
    assert krippendorff_alpha([], level) is None


@given(st.lists(st.integers(0, 4), min_size=2, max_size=30).filter(lambda v: len(set(v)) > 1))
def test_alpha_of_people_who_always_agree_is_one(values):
    for level in ("nominal", "ordinal", "interval"):
        assert krippendorff_alpha([[v, v, v] for v in values], level) == pytest.approx(1)


def test_kappa_of_the_textbook_example():
    # Cohen's readers of grant proposals: 20 and 15 of 50 alike.
    assert c.cohen_kappa(np.array([[20, 5], [10, 15]])) == pytest.approx(0.4)


def test_kappa_of_two_classes_is_the_same_with_weights():
    matrix = np.array([[20, 5], [10, 15]])
    assert c.weighted_kappa(matrix) == pytest.approx(c.cohen_kappa(matrix))


def test_quadratic_kappa_forgives_neighbours():
    near = np.array([[10, 5, 0], [5, 10, 5], [0, 5, 10]])
    far = np.array([[10, 0, 5], [5, 10, 5], [5, 0, 10]])
    assert c.weighted_kappa(near) == pytest.approx(2 / 3)
    assert c.weighted_kappa(far) < c.weighted_kappa(near)


def test_kappa_is_undefined_when_all_is_one_class():
    only = np.array([[7, 0], [0, 0]])
    assert c.cohen_kappa(only) is None
    assert c.weighted_kappa(only) is None
    assert c.cohen_kappa(np.zeros((2, 2))) is None


def test_scores_of_each_class():
    matrix = np.array([[8, 2, 0], [1, 3, 0], [0, 0, 0]])
    first, second, third = c.class_scores(matrix)
    assert (first.precision, first.recall, first.support) == (8 / 9, 0.8, 10)
    assert first.f1 == pytest.approx(16 / 19)
    assert second.f1 == pytest.approx(6 / 9)
    assert third == c.ClassScore(None, None, None, 0)
    assert c.macro_f1(matrix) == pytest.approx((16 / 19 + 6 / 9) / 2)
    assert c.accuracy(matrix) == pytest.approx(11 / 14)


def test_a_class_that_is_never_said_counts_zero():
    assert c.macro_f1(np.array([[5, 0], [5, 0]])) == pytest.approx(0.5 * 10 / 15)


def test_nothing_has_no_score():
    assert c.accuracy(np.zeros((3, 3))) is None
    assert c.macro_f1(np.zeros((3, 3))) is None


def test_words_of_a_review_are_the_middles_of_their_bins():
    assert c.sentiment_levels([-1, -0.5, 0, 0.5, 1]).tolist() == [0, 1, 2, 3, 4]
    assert c.sentiment_levels([-0.51, -0.1, -0.09, 0.09, 0.1, 0.51]).tolist() == [0, 1, 2, 2, 3, 4]
    assert c.polarities([-0.5, -0.1, 0, 0.1]).tolist() == [0, 0, 1, 2]
    assert c.satisfaction_bands([0, 19, 20, 79, 80, 100]).tolist() == [0, 0, 1, 3, 4, 4]


@given(said)
def test_the_matrix_holds_every_pair(rows):
    truth, values = [a for a, _ in rows], [b for _, b in rows]
    matrix = c.confusion(truth, values, 5)
    assert matrix.sum() == len(rows)
    cells = c.one_hot_pairs(np.array(truth), np.array(values), 5).sum(axis=0)
    assert cells.reshape(5, 5).tolist() == matrix.tolist()


@given(said)
def test_kappas_are_at_most_one_and_one_means_all_alike(rows):
    matrix = c.confusion([a for a, _ in rows], [b for _, b in rows], 5)
    for kappa in (c.cohen_kappa(matrix), c.weighted_kappa(matrix)):
        assert kappa is None or kappa <= 1 + 1e-12
        if kappa == pytest.approx(1):
            assert c.accuracy(matrix) == 1
