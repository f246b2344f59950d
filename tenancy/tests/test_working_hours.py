"""Weekly windows on the wall clock: edges, nights, clock changes, the next opening."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenancy.working_hours import is_open, next_opening

SAO_PAULO, NEW_YORK = ZoneInfo("America/Sao_Paulo"), ZoneInfo("America/New_York")
OFFICE = [[["08:00", "12:00"], ["13:00", "18:00"]]] * 5 + [[], []]


def at(text: str, zone: ZoneInfo = SAO_PAULO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("moment", "answer"),
    [
        ("2026-03-02 07:59:59", False),
        ("2026-03-02 08:00:00", True),
        ("2026-03-02 11:59:59", True),
        ("2026-03-02 12:00:00", False),
        ("2026-03-02 13:00:00", True),
        ("2026-03-02 18:00:00", False),
        ("2026-03-07 10:00:00", False),
    ],
)
def test_the_start_minute_belongs_and_the_end_minute_does_not(moment, answer) -> None:
    assert is_open(OFFICE, at(moment), SAO_PAULO) is answer


def test_a_night_shift_goes_on_until_morning_of_the_next_day() -> None:
    week = [[] for _day in range(7)]
    week[6] = [["22:00", "06:00"]]  # Sunday night
    assert is_open(week, at("2026-03-01 23:00"), SAO_PAULO)
    assert is_open(week, at("2026-03-02 05:59"), SAO_PAULO)
    assert not is_open(week, at("2026-03-02 06:00"), SAO_PAULO)
    assert not is_open(week, at("2026-03-02 23:00"), SAO_PAULO)
    assert not is_open(week, at("2026-03-01 05:00"), SAO_PAULO)


def test_midnight_as_an_end_and_a_window_around_the_clock() -> None:
    week = [[["08:00", "24:00"]], [["00:00", "00:00"]]] + [[]] * 5
    assert is_open(week, at("2026-03-02 23:59"), SAO_PAULO)
    assert is_open(week, at("2026-03-03 00:00"), SAO_PAULO)
    assert is_open(week, at("2026-03-03 23:59"), SAO_PAULO)
    assert not is_open(week, at("2026-03-04 00:00"), SAO_PAULO)


def test_nothing_set_is_always_and_an_empty_week_never_opens() -> None:
    assert is_open(None, at("2026-03-02 03:00"), SAO_PAULO)
    assert next_opening(None, at("2026-03-02 03:00"), SAO_PAULO) is None
    assert not is_open([[]] * 7, at("2026-03-02 10:00"), SAO_PAULO)
    assert next_opening([[]] * 7, at("2026-03-02 10:00"), SAO_PAULO) is None


def test_the_next_opening_after_friday_evening_is_monday_morning() -> None:
    assert next_opening(OFFICE, at("2026-03-06 18:00"), SAO_PAULO) == at("2026-03-09 08:00")


def test_a_window_inside_the_skipped_hour_opens_a_week_later() -> None:
    week = [[] for _day in range(7)]
    week[6] = [["02:10", "02:50"]]
    # On 8 March 2026 New York goes from 02:00 to 03:00.
    assert next_opening(week, at("2026-03-07 12:00", NEW_YORK), NEW_YORK) == at(
        "2026-03-15 02:10", NEW_YORK
    )


def test_the_repeated_hour_is_open_both_times() -> None:
    week = [[] for _day in range(7)]
    week[6] = [["01:30", "01:45"]]
    first = at("2026-11-01 01:30", NEW_YORK)
    second = first.replace(fold=1)
    assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=1)
    assert is_open(week, first, NEW_YORK)
    assert is_open(week, second, NEW_YORK)
    between = first.astimezone(UTC) + timedelta(minutes=30)
    assert not is_open(week, between, NEW_YORK)
    assert next_opening(week, between, NEW_YORK) == second.astimezone(UTC)


clocks = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
weeks = st.lists(st.lists(st.tuples(clocks, clocks).map(list), max_size=2), min_size=7, max_size=7)
# Around both clock changes of New York in 2026, and a week without one.
moments = st.sampled_from(
    [
        datetime(2026, 3, 5, tzinfo=UTC),
        datetime(2026, 10, 29, tzinfo=UTC),
        datetime(2026, 6, 1, tzinfo=UTC),
    ]
).flatmap(
    lambda day: st.integers(0, 6 * 1440).map(lambda minutes: day + timedelta(minutes=minutes))
)


@settings(max_examples=60, deadline=None)
@given(week=weeks, moment=moments)
def test_the_next_opening_is_open_and_nothing_before_it_is(week, moment) -> None:
    found = next_opening(week, moment, NEW_YORK)
    if is_open(week, moment, NEW_YORK):
        return
    step, closed_for = moment + timedelta(minutes=1), 0
    while step < (found or moment + timedelta(days=3)) and closed_for < 4000:
        assert not is_open(week, step, NEW_YORK), step
        step += timedelta(minutes=1)
        closed_for += 1
    if found:
        assert is_open(week, found, NEW_YORK)
        assert not is_open(week, found - timedelta(seconds=1), NEW_YORK)


@settings(max_examples=100, deadline=None)
@given(week=weeks, moment=moments)
def test_the_zone_of_the_moment_does_not_matter(week, moment) -> None:
    assert is_open(week, moment, NEW_YORK) == is_open(week, moment.astimezone(SAO_PAULO), NEW_YORK)
