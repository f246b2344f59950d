"""A message that was lost from sight never leaves behind those that were written after it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from messaging.gateway.client.outcome import Outcome
from messaging.models import Outgoing
from messaging.sender.periods import Periods
from messaging.services.sending import retry
from messaging.tests.sender.fakes import record, run_lanes, states
from messaging.tests.sender.test_unknown import OTHER, pass_time
from messaging.tests.sending.things import make_line, say


@pytest.fixture
def line(server):
    """Its server lost the first message from sight, and keeps others."""
    made = make_line(state_at=timezone.now() - timedelta(days=1))
    server.answers = [Outcome("unknown", "server_error", http_status=503)]
    server.records = [record("3EB0FF", "outra coisa", OTHER)]
    return made


def test_the_hold_lasts_until_absence_may_be_proven():
    normal = Periods()
    # The first look may fail; the lane is looked at again within a turn.
    proven = normal.second_check + normal.absence_gap + normal.held
    assert normal.hold > proven > normal.first_check + normal.absence_gap


def test_what_is_proven_absent_in_time_goes_first(server, line):
    say(line, "primeira")
    say(line, "segunda")
    run_lanes()

    # The first look at 31 s, the second a minute later.
    pass_time(line, 31)
    pass_time(line, 61)

    assert server.texts == ["primeira", "primeira", "segunda"]
    assert states() == ["sent", "sent"]


def test_what_was_overtaken_waits_for_a_person(server, line):
    first = say(line, "primeira")
    say(line, "segunda")
    run_lanes()
    pass_time(line, 121)
    assert server.texts == ["primeira", "segunda"]

    pass_time(line, 61)
    pass_time(line, 61)

    first.refresh_from_db()
    assert states() == ["failed", "sent"]
    assert (first.status, first.failure["code"]) == ("failed", "overtaken")
    assert first.failure["can_retry"]
    assert Outgoing.objects.earliest("pk").finished_at is not None
    assert len(server.sends) == 2
    retry(first.public_id)
    run_lanes()
    assert server.texts == ["primeira", "segunda", "primeira"]


def test_messages_of_others_and_older_ones_overtake_nobody(server, line):
    say(line, "antes")
    server.answers = [lambda what: Outcome("unknown", "timed_out")]
    Outgoing.objects.update(state="sent", finished_at=timezone.now())
    say(line, "duvidosa")
    say(line, "de outra", to="5511977776666")
    run_lanes()

    pass_time(line, 121)
    pass_time(line, 61)

    assert server.texts == ["duvidosa", "de outra", "duvidosa"]
