import pytest
from hypothesis import given
from hypothesis import strategies as st

from evosense.core import charts

numbers = st.one_of(st.none(), st.floats(min_value=-1e9, max_value=1e9))


def test_a_line_touches_top_and_bottom_inside_its_margin():
    shape = charts.sparkline([0, 5, 10])
    assert shape.line == "M0 26L50 14L100 2"
    assert shape.last == "M100 2v.01"
    assert shape.area == "M0 26L50 14L100 2L100 28L0 28z"


def test_a_gap_is_a_gap():
    assert charts.sparkline([1, 2, None, 2, 1]).line.count("M") == 2


def test_a_lone_point_is_a_dot():
    assert charts.sparkline([1, None, 2]).line == "M0 26v.01M100 2v.01"


def test_nothing_draws_nothing():
    shape = charts.sparkline([])
    assert (shape.line, shape.area, shape.last) == ("", "", "")
    assert charts.bars([]) == []


def test_equal_values_run_in_the_middle():
    assert charts.sparkline([3, 3]).line == "M0 14L100 14"


@given(st.lists(numbers, max_size=40))
def test_lines_stay_inside_their_box(values):
    shape = charts.sparkline(values)
    points = shape.line.replace("v.01", "").replace("M", "L").split("L")[1:]
    for point in points:
        x, y = map(float, point.split())
        assert 0 <= x <= 100
        assert 0 <= y <= 28


def test_bars_start_at_zero_and_skip_gaps():
    first, gap, last = charts.bars([5, None, 10], labels=["a", "b", "c"], now=2)
    assert (first.y, first.height) == (50, 50)
    assert gap.value is None
    assert gap.height == 0
    assert last.is_now
    assert last.label == "c"


@given(st.lists(st.floats(min_value=0, max_value=1e9), max_size=20))
def test_the_top_of_an_axis_holds_every_value(values):
    assert charts.nice_top(values) >= max(values, default=0) * (1 - 1e-9)


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 4), (3, 4), (7, 10), (18, 20), (23, 25), (612, 1000), (0.3, 0.4)]
)
def test_the_top_of_an_axis_is_a_round_number(highest, top):
    assert charts.nice_top([highest]) == pytest.approx(top)


def test_heat_levels_keep_none_apart_from_zero():
    assert [charts.heat_level(value, 50) for value in (None, 0, 1, 25, 50, 80)] == [
        None,
        0,
        1,
        3,
        5,
        5,
    ]


def test_a_ring_is_filled_by_its_share():
    assert charts.ring_dash(0.5, 20) == "10 20"
    assert charts.ring_dash(7, 20) == "20 20"


def test_parts_of_a_bar_leave_room_for_the_rest():
    assert charts.segments([1, 1], 4) == [(0.0, 25.0), (25.0, 25.0)]
    assert charts.segments([]) == []
