"""The notice that a saved search was found often."""

from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from analytics.models import AiNotice, SavedSearch
from analytics.search import saved
from analytics.search.parameters import read_saved
from messaging.tests.factories import make_message

ZONE = ZoneInfo("America/Sao_Paulo")


@pytest.fixture
def yesterday(tenant, engine):
    day = timezone.now().astimezone(ZONE).date() - timedelta(days=1)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZONE)
    for number in range(3):
        make_message(text=f"entrega atrasada {number}", occurred_at=noon)
    make_message(text="entrega atrasada antes", occurred_at=noon - timedelta(days=1))
    return day


def keep(alert_from, query=None):
    query = query or {"q": "entrega", "modo": "words"}
    return saved.save_search(user_id=7, name="Atrasos", query=query, alert_from=alert_from)


def test_a_search_found_more_often_is_told_once(yesterday):
    row = keep(2)
    assert saved.raise_alerts(read_saved) == 1
    assert saved.raise_alerts(read_saved) == 0
    notice = AiNotice.objects.get()
    assert notice.detail == {"hits": 3, "day": yesterday.isoformat(), "more_than": 2}
    assert saved.alerts_of([row])[row.public_id].hits == 3


def test_just_as_often_is_not_more(yesterday):
    keep(3)
    assert saved.raise_alerts(read_saved) == 0
    assert SavedSearch.objects.get().alerted_on == yesterday


def test_the_next_quiet_day_closes_the_notice(yesterday):
    row = keep(2)
    saved.raise_alerts(read_saved)
    SavedSearch.objects.update(alerted_on=yesterday - timedelta(days=1), alert_from=5)
    saved.raise_alerts(read_saved)
    assert saved.alerts_of([row]) == {}


def test_one_without_an_alert_and_one_that_no_longer_reads_are_left_alone(yesterday):
    keep(None)
    SavedSearch.objects.create(
        public_id=uuid4(),
        user_id=8,
        name="x",
        query={"q": "entrega", "modo": "magic"},
        alert_from=0,
    )
    assert saved.raise_alerts(read_saved) == 0


def test_its_own_period_holds_as_well(yesterday):
    keep(0, {"q": "entrega", "modo": "words", "ate": (yesterday - timedelta(days=3)).isoformat()})
    assert saved.raise_alerts(read_saved) == 0
