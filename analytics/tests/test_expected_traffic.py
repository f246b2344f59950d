"""Silence is judged by the same hours of the weeks before, and only where much is expected."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics.models import MessageHour
from analytics.selectors.volume import inbound_by_hour
from messaging.models import Connection
from messaging.services.health import expectation
from messaging.services.health.expectation import WEEK, traffic
from messaging.tests.factories import make_connection

# A Wednesday, 14:30 in São Paulo.
NOW = datetime(2026, 11, 18, 17, 30, tzinfo=UTC)
HOUR = NOW.astimezone(ZoneInfo("America/Sao_Paulo")).replace(minute=0)


@pytest.fixture
def line(tenant, redis_db, monkeypatch) -> Connection:
    connection = make_connection()
    connection.created_at = NOW - timedelta(days=90)
    monkeypatch.setattr(expectation, "_history", [inbound_by_hour])
    return connection


def counted(line: Connection, weeks: Sequence[int], *, hours: Sequence[int] = (0,)) -> None:
    """Store the inbound messages of this hour, and of hours before it, one number for each week."""
    MessageHour.objects.bulk_create(
        MessageHour(
            connection_id=line.pk,
            hour=HOUR - WEEK * number - timedelta(hours=back),
            direction="inbound",
            count=count,
            conversations=1,
        )
        for number, count in enumerate(weeks, start=1)
        for back in hours
        if count
    )


def code(line: Connection, silent: timedelta) -> str:
    line.last_inbound_at = NOW - silent
    return traffic(line, now=NOW).code


def test_a_busy_hour_makes_a_silence_unexpected(line) -> None:
    counted(line, [40, 60, 50, 55])
    assert code(line, timedelta(minutes=5)) == "fine"
    assert code(line, timedelta(minutes=20)) == "silent"


def test_one_wild_week_does_not_change_what_is_usual(line) -> None:
    counted(line, [900, 2, 1, 3])
    assert code(line, timedelta(minutes=29)) == "few"


def test_where_little_is_expected_silence_means_nothing(line) -> None:
    counted(line, [4, 4, 4, 4], hours=range(6))
    assert code(line, timedelta(hours=5)) == "few"


def test_a_slow_hour_is_given_more_time_than_a_busy_one(line) -> None:
    counted(line, [6, 6, 6, 6], hours=range(6))
    assert code(line, timedelta(minutes=70)) == "fine"
    assert code(line, timedelta(minutes=85)) == "silent"


def test_weeks_without_a_message_count_as_none(line) -> None:
    counted(line, [50, 0, 0, 0])
    assert code(line, timedelta(minutes=29)) == "few"


def test_without_two_known_weeks_nothing_is_said(line) -> None:
    line.created_at = NOW - timedelta(days=10)
    counted(line, [50])
    assert code(line, timedelta(minutes=29)) == "unknown"
    line.last_inbound_at = None
    assert traffic(line, now=NOW).code == "unknown"


def test_a_silence_over_many_hours_asks_once_for_all_of_them(line, count_queries) -> None:
    counted(line, [30, 30, 30, 30], hours=range(6))
    with count_queries() as queries:
        assert code(line, timedelta(days=3)) == "silent"
    assert len(queries) == 1


def test_nobody_who_counts_means_nothing_is_known(line, monkeypatch) -> None:
    monkeypatch.setattr(expectation, "_history", [])
    assert code(line, timedelta(hours=2)) == "unknown"


def test_other_directions_and_connections_are_not_ours(line) -> None:
    counted(line, [50, 50, 50, 50])
    found: Mapping[datetime, int] = inbound_by_hour(line.pk + 1, [HOUR - WEEK])
    assert found == {}
    MessageHour.objects.update(direction="outbound")
    assert inbound_by_hour(line.pk, [HOUR - WEEK]) == {}
