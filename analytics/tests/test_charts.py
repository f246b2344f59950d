from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from analytics.selectors.charts import centred_path, change_words, day_chart, hour_chart
from analytics.selectors.volume import Ledger, Slot

NOW = datetime(2025, 11, 18, 10, 42, tzinfo=UTC)


def ledger(counts, first=None):
    known = first or min(counts, key=lambda slot: (slot.day, slot.hour), default=None)
    return Ledger(NOW, known, {"inbound": counts})


def slot(days_ago, hour):
    return Slot((NOW - timedelta(days=days_ago)).date(), hour)


def test_hours_to_come_and_before_the_first_message_are_gaps():
    book = ledger({slot(0, 9): 5})
    hours = book.hours("inbound", NOW.date())
    assert hours[8] is None
    assert hours[9:11] == [5, 0]
    assert hours[11] is None
    assert book.day_total("inbound", slot(1, 0).day) is None


def test_total_stops_at_the_hour_asked_for():
    book = ledger({slot(7, 8): 3, slot(7, 10): 4, slot(0, 8): 1})
    assert book.total("inbound", last=slot(7, 0).day, count=1, until_hour=10) == 3
    assert book.total("inbound", last=slot(7, 0).day, count=1) == 7


def test_the_title_says_what_changed_and_only_with_enough_messages():
    many = ledger({slot(7, 8): 100, slot(0, 8): 118})
    title = hour_chart(many, days=1, shift=7, totals=(118, 100)).title
    assert "18%" in title
    few = ledger({slot(7, 8): 4, slot(0, 8): 8})
    assert "%" not in hour_chart(few, days=1, shift=7, totals=(8, 4)).title


def test_change_is_silent_about_small_or_unknown_numbers():
    assert change_words(30, None) == ("", "")
    assert change_words(8, 4) == ("", "")
    assert change_words(100, 100) == ("", "")
    assert change_words(50, 100) == ("50%", "down")


def test_days_of_the_period_are_highlighted_and_the_busiest_is_named():
    book = ledger({slot(40, 1): 1, slot(3, 9): 50, slot(0, 9): 7})
    chart = day_chart(book, days=7)
    assert chart.highlighted == 23
    assert "50" in chart.title
    assert len(chart.rows) == 30


def test_an_empty_ledger_draws_nothing():
    chart = day_chart(Ledger(NOW, None), days=1)
    assert chart.is_empty
    assert not any(bar.value for bar in chart.bars)


def test_a_gap_lifts_the_pen():
    path = centred_path([1, None, 2, 3], 4)
    assert path.count("M") == 2
    assert path.count("L") == 1


@given(st.lists(st.one_of(st.none(), st.integers(0, 10_000)), max_size=60))
def test_any_series_stays_inside_of_its_plot(values):
    import re

    path = centred_path(values, max([value or 0 for value in values], default=0) or 4)
    for x, y in re.findall(r"[ML]([\d.-]+) ([\d.-]+)", path):
        assert 0 <= float(x) <= 100
        assert 0 <= float(y) <= 100
