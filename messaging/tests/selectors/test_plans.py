"""Filters that find little must have an index: a walk by time would read everything first."""

import pytest
from django.db import connection

from messaging.models import Message
from messaging.tests.factories import make_message


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({"type": "location"}, "messaging_message_rare_type"),
        ({"status": "failed", "is_failed": True}, "messaging_message_failed"),
    ],
)
def test_rare_rows_are_found_by_their_index(tenant, filters, index):
    make_message()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    rows = Message.objects.filter(is_hidden=False, **filters).order_by("-occurred_at", "-pk")
    assert index in rows[:50].explain()
