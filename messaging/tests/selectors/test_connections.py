from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.errors import NotFound
from evosense.core.schema import tenant_scope
from messaging.models import ConnectionEvent
from messaging.selectors import raw_events
from messaging.selectors.connections import connection_detail, connection_list, connection_view
from messaging.selectors.raw_events import RawEventFilter, raw_event, raw_event_page
from messaging.tests.factories import START, make_connection, make_raw_event


def test_connection_counts_the_raw_events_of_a_day(tenant):
    connection = make_connection()
    for status in (0, 1, 1, 2, 3):
        make_raw_event(connection, status=status)
    make_raw_event(connection, received_at=timezone.now() - timedelta(hours=25))
    make_raw_event(make_connection())
    counts = connection_view(connection.public_id).events
    assert (counts.pending, counts.done, counts.kept, counts.dead) == (1, 2, 1, 1)


def test_list_takes_the_same_queries_for_one_row_and_for_ten(tenant, count_queries):
    make_raw_event(make_connection())
    with count_queries() as one:
        connection_list()
    for _ in range(9):
        make_raw_event(make_connection())
    with count_queries() as ten:
        assert len(connection_list()) == 10
    assert len(one) == len(ten) == 3


def test_history_is_newest_first(tenant):
    connection = make_connection()
    for minute, state in enumerate(("connecting", "connected")):
        ConnectionEvent.objects.create(
            connection=connection, state=state, at=START + timedelta(minutes=minute)
        )
    history = connection_detail(connection.public_id).history
    assert [event.state for event in history] == ["connected", "connecting"]


def test_raw_events_are_filtered_and_paged(tenant):
    connection = make_connection()
    for number in range(5):
        make_raw_event(connection, status=number % 2, flag="unknown" if number == 4 else "")
    first = raw_event_page(connection.public_id, RawEventFilter(), limit=3)
    second = raw_event_page(connection.public_id, RawEventFilter(), cursor=first.next, limit=3)
    assert [len(first.rows), len(second.rows), second.next] == [3, 2, None]
    done = raw_event_page(connection.public_id, RawEventFilter(status="done"))
    assert {row.status for row in done.rows} == {"done"}
    (flagged,) = raw_event_page(connection.public_id, RawEventFilter(flag="unknown")).rows
    assert flagged.flag == "unknown"


def test_a_rare_event_is_looked_for_in_bounded_steps(tenant, monkeypatch):
    monkeypatch.setattr(raw_events, "SCANNED", 3)
    connection = make_connection()
    wanted = make_raw_event(connection, status=3)
    for _ in range(7):
        make_raw_event(connection, status=1)
    cursor, found, steps = None, [], 0
    while True:
        page = raw_event_page(connection.public_id, RawEventFilter(status="dead"), cursor=cursor)
        found += page.rows
        cursor, steps = page.next, steps + 1
        if cursor is None:
            break
    assert [row.id for row in found] == [wanted]
    assert steps == 3


@pytest.mark.parametrize(
    ("body", "parsed"), [(b'{"a":1}', {"a": 1}), (b"{broken", None), (b"\xff\x00", None)]
)
def test_body_is_shown_whatever_it_is(tenant, body, parsed):
    connection = make_connection()
    detail = raw_event(connection.public_id, make_raw_event(connection, body))
    assert detail.body == parsed
    assert detail.text
    assert detail.size == len(body)


def test_raw_event_of_another_company_is_not_found(tenant, other_tenant):
    with tenant_scope(other_tenant):
        foreign = make_connection()
        event = make_raw_event(foreign)
    with pytest.raises(NotFound):
        raw_event(foreign.public_id, event)
    assert raw_event_page(foreign.public_id, RawEventFilter()).rows == []
