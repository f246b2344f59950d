"""What left late, or could not begin in time."""

import time
from datetime import timedelta

from django.utils import timezone

from messaging.gateway import lanes
from messaging.gateway.client.outcome import Outcome
from messaging.models import Message, Outgoing, OutgoingAttempt
from messaging.sender.periods import periods
from messaging.tests.sender.fakes import run_lanes
from messaging.tests.sending.things import make_line, say


def test_nothing_is_written_late(server):
    """The client looks at the clock; what it refuses did not happen."""
    late = []
    server.answers = [
        lambda what: late.append(what["not_after"]) or Outcome("not_sent", "too_late")
    ]
    say(make_line())
    begun = time.monotonic()

    run_lanes()

    assert begun < late[0] <= time.monotonic() + periods().write_within
    assert periods().write_within < periods().lease
    row = Outgoing.objects.get()
    assert (row.state, row.attempts, row.failure["code"]) == ("queued", 0, "not_begun")
    assert row.next_at > timezone.now(), "others of the number go first"
    assert not OutgoingAttempt.objects.exists()

    Outgoing.objects.update(next_at=timezone.now())
    lanes.wake(row.connection.public_id)
    run_lanes()
    row.refresh_from_db()
    assert (row.state, row.attempts, row.failure) == ("sent", 1, None)
    assert OutgoingAttempt.objects.count() == 1


def test_a_late_message_stands_where_it_left(server):
    line = make_line()
    message = say(line)
    before = timezone.now() - timedelta(hours=2)
    Message.objects.update(occurred_at=before)
    Outgoing.objects.update(created_at=before)

    run_lanes()

    message.refresh_from_db()
    assert timezone.now() - message.occurred_at < timedelta(minutes=1)
