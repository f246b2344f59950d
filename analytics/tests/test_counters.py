from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command

from analytics.models import MessageHour
from analytics.services import counters
from analytics.tasks import count_stored_messages
from evosense.core.schema import tenant_scope
from messaging.tests.factories import make_conversation, make_message

pytestmark = pytest.mark.usefixtures("tenant")
TEN = datetime(2025, 11, 15, 13, 0, tzinfo=UTC)


def totals():
    rows = MessageHour.objects.order_by("hour", "direction")
    return [(row.hour, row.direction, row.count, row.conversations) for row in rows]


def deliver(*messages):
    count_stored_messages(event_id=1, payload={"message_ids": [one.pk for one in messages]})


def test_stored_messages_are_counted_by_hour_and_direction():
    conversation = make_conversation()
    made = [
        make_message(conversation, occurred_at=TEN),
        make_message(conversation, occurred_at=TEN + timedelta(minutes=59)),
        make_message(conversation, occurred_at=TEN, direction="outbound"),
        make_message(conversation, occurred_at=TEN + timedelta(hours=1)),
    ]
    deliver(*made)
    assert totals() == [
        (TEN, "inbound", 2, 1),
        (TEN, "outbound", 1, 1),
        (TEN + timedelta(hours=1), "inbound", 1, 1),
    ]


def test_a_repeated_event_changes_nothing():
    message = make_message(occurred_at=TEN)
    deliver(message)
    deliver(message)
    assert [row[2] for row in totals()] == [1]


def test_an_event_counts_whatever_else_the_hour_holds():
    conversation = make_conversation()
    make_message(conversation, occurred_at=TEN)
    deliver(make_message(conversation, occurred_at=TEN))
    assert [row[2] for row in totals()] == [2]


def test_hidden_containers_are_not_counted():
    deliver(make_message(occurred_at=TEN, is_hidden=True))
    assert totals() == []


def test_messages_that_are_gone_leave_no_row():
    message = make_message(occurred_at=TEN)
    deliver(message)
    pk = message.pk
    message.is_hidden = True
    message.save()
    count_stored_messages(event_id=2, payload={"message_ids": [pk]})
    assert totals() == []


def test_rebuild_equals_what_events_counted():
    conversation = make_conversation()
    made = [
        make_message(conversation, occurred_at=TEN + timedelta(hours=7 * number))
        for number in range(60)
    ]
    deliver(*made)
    before = totals()
    MessageHour.objects.filter(hour__gt=TEN).update(count=99)
    assert counters.rebuild() == {"rows": 60}
    assert totals() == before


def test_rebuild_keeps_hours_whose_messages_retention_deleted():
    old = MessageHour.objects.create(
        connection_id=1,
        hour=TEN - timedelta(days=400),
        direction="inbound",
        count=5,
        conversations=1,
    )
    make_message(occurred_at=TEN)
    counters.rebuild()
    assert MessageHour.objects.filter(pk=old.pk).exists()


def test_hours_follow_the_tenants_clock(tenant):
    from dataclasses import replace

    with tenant_scope(replace(tenant, timezone="Asia/Kolkata")):
        # 13:10 UTC is 18:40 there: the hour began at 12:30 UTC.
        deliver(make_message(occurred_at=TEN + timedelta(minutes=10)))
    assert totals()[0][0] == TEN - timedelta(minutes=30)


def test_the_command_prints_one_object(capsys, tenant):
    make_message(occurred_at=TEN)
    call_command("rebuild_metrics", "--tenant", tenant.slug)
    assert f'"{tenant.slug}": {{"rows": 1}}' in capsys.readouterr().out
