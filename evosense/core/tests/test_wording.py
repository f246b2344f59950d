from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from evosense.core import wording

NOW = datetime(2025, 11, 18, 10, 42, tzinfo=ZoneInfo("America/Sao_Paulo"))


@pytest.fixture(autouse=True)
def _english_in_sao_paulo():
    with translation.override("en"), timezone.override(ZoneInfo("America/Sao_Paulo")):
        yield


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (timedelta(seconds=-5), "now"),
        (timedelta(seconds=59), "now"),
        (timedelta(minutes=27), "27 min ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(hours=47), "1 day ago"),
        (timedelta(days=4), "4 days ago"),
        (timedelta(days=40), "10/09/2025"),
    ],
)
def test_how_long_ago(past, words):
    assert wording.ago_words(NOW - past, NOW) == words


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (NOW.replace(hour=0, minute=1), "00:01"),
        (NOW - timedelta(days=1), "yesterday 10:42"),
        (NOW - timedelta(days=6), "Nov 12 10:42"),
        (NOW.replace(year=2024), "11/18/2024"),
    ],
)
def test_when(moment, words):
    assert wording.when_words(moment, NOW) == words


def test_a_moment_in_utc_belongs_to_the_local_day():
    late = datetime(2025, 11, 18, 1, 30, tzinfo=ZoneInfo("UTC"))
    assert wording.day_words(late, NOW) == "Yesterday"


def test_day_lines():
    assert wording.day_words(NOW, NOW) == "Today"
    assert wording.day_words(NOW - timedelta(days=4), NOW) == "Friday"
    assert wording.day_words(NOW - timedelta(days=7), NOW) == "Nov. 11, 2025"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (47.4, "47 s"),
        (252, "4 min 12 s"),
        (3600, "1 h"),
        (4320, "1 h 12 min"),
        (273600, "3 d 4 h"),
    ],
)
def test_durations_have_two_units_at_most(seconds, words):
    assert wording.duration_words(seconds) == words


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Marlene Figueira", "MF"),
        ("Ana de Souza Lima", "AL"),
        ("Zé", "Z"),
        ("+55 41 9", ""),
        ("", ""),
    ],
)
def test_initials(name, letters):
    assert wording.initials_of(name) == letters
