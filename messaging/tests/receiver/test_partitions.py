from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection

from evosense.core.schema import public_scope
from messaging.ingest import partitions
from messaging.ingest.models import WebhookBlob, WebhookEvent

NOW = datetime(2031, 5, 20, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def add_event(days_ago, status=1):
    with public_scope():
        return WebhookEvent.objects.create(
            received_at=NOW - timedelta(days=days_ago),
            tenant_id=uuid4(),
            connection_id=uuid4(),
            dedupe_key=b"k",
            body=b"{}",
            status=status,
            next_attempt_at=NOW,
        )


def add_blob(days_ago):
    with public_scope():
        WebhookBlob.objects.create(
            id=uuid4(), received_at=NOW - timedelta(days=days_ago), sha256=b"", size=0, content=b""
        )


def place_of(event):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM public.webhook_events WHERE id = %s", [event.pk]
        )
        return cursor.fetchone()[0].removeprefix("public.")


def make(days):
    """Make the partitions of the days from now back."""
    partitions.ensure_partitions(NOW - timedelta(days=days), days_ahead=days)


def test_partitions_are_made_a_week_ahead_and_only_once():
    created = partitions.ensure_partitions(NOW)
    assert len(created) == 16
    assert created[0] == "webhook_events_p20310520"
    assert partitions.ensure_partitions(NOW) == []
    assert partitions.ensure_partitions(NOW + timedelta(days=1)) == [
        "webhook_events_p20310528",
        "webhook_blobs_p20310528",
    ]


def test_rows_find_their_day_by_utc():
    partitions.ensure_partitions(NOW)
    assert place_of(add_event(0)) == "webhook_events_p20310520"


def test_partition_has_the_indexes_and_counts_on():
    partitions.ensure_partitions(NOW)
    first, second = add_event(0), add_event(0)
    assert second.pk > first.pk
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_indexes WHERE tablename = 'webhook_events_p20310520'"
        )
        assert cursor.fetchone() == (4,)


def test_rows_without_a_partition_are_moved_home():
    event = add_event(3)
    assert place_of(event) == "webhook_events_default"
    created = partitions.ensure_partitions(NOW)
    assert "webhook_events_p20310517" in created
    assert place_of(event) == "webhook_events_p20310517"


def test_expired_partitions_are_dropped_with_their_blobs():
    make(16)
    add_blob(15)
    for days in (14, 15):
        add_event(days)
    report = partitions.drop_expired(NOW, days=14)
    assert report.dropped == [
        "webhook_events_p20310504",
        "webhook_events_p20310505",
        "webhook_blobs_p20310504",
        "webhook_blobs_p20310505",
    ]
    with public_scope():
        assert WebhookEvent.objects.count() == 1
        assert WebhookBlob.objects.count() == 0


def test_partition_with_waiting_events_is_kept_and_reported():
    make(16)
    add_blob(15)
    event = add_event(15, status=0)
    report = partitions.drop_expired(NOW, days=14)
    assert report.kept == {"webhook_events_p20310505": 1}
    assert place_of(event) == "webhook_events_p20310505"
    assert "webhook_blobs_p20310505" not in report.dropped


def test_dropped_events_that_were_never_applied_are_counted():
    make(16)
    for status in (1, 2, 3):
        add_event(15, status=status)
    assert partitions.drop_expired(NOW, days=14).unapplied_dropped == 2


def test_command_reports_in_numbers(capsys):
    call_command("ingest_partitions")
    assert '"kept": 0' in capsys.readouterr().out
