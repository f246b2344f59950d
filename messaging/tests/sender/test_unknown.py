"""Doubts: looked for in the server's store, sent again only when absence is proven."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from messaging.gateway import lanes
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.outcome import Outcome
from messaging.models import Connection, ConnectionEvent, Message, Outgoing, OutgoingAttempt
from messaging.sender.periods import check_after, periods
from messaging.sender.reconcile import decide
from messaging.services.sending import resolve, retry
from messaging.tests.sender.fakes import record, run_lanes
from messaging.tests.sending.things import KNOWN_JID, make_line, make_server, say

ID = "3EB0F80AF6FEFB7A50EB33"
OTHER = "5511900000009@s.whatsapp.net"


@pytest.fixture
def doubt(server):
    """A message whose outcome nobody knows, on a number that has been up for a day."""
    line = make_line(state_at=timezone.now() - timedelta(days=1))
    server.answers = [Outcome("unknown", "timed_out")]
    message = say(line, "Bom dia!")
    run_lanes()
    return line, message


def pass_time(line, seconds):
    """Let time pass for everything that waits."""
    gone = timedelta(seconds=seconds)
    for row in Outgoing.objects.all():
        row.sending_at = row.sending_at and row.sending_at - gone
        row.next_at -= gone
        row.holds_until = row.holds_until and row.holds_until - gone
        row.absent_since = row.absent_since and row.absent_since - gone
        row.save()
    lanes.wake(line.public_id)
    run_lanes()


def row():
    return Outgoing.objects.get()


def test_it_is_not_looked_for_at_once(server, doubt):
    line, _ = doubt
    lanes.wake(line.public_id)

    run_lanes()

    assert server.asked == 0


def test_what_is_found_was_sent(server, doubt):
    line, message = doubt
    server.records = [record(ID, "Bom dia!", KNOWN_JID)]

    pass_time(line, 6)

    message.refresh_from_db()
    assert row().state == "sent"
    assert (message.provider_id, message.status) == (ID, "sent")
    assert len(server.sends) == 1
    assert OutgoingAttempt.objects.get(act="check").outcome == "found"


def test_what_is_proven_absent_is_sent_again(server, doubt):
    line, _ = doubt
    server.records = [record("3EB0FF", "outra coisa", OTHER)]

    pass_time(line, 6)
    assert (row().state, row().absences) == ("unknown", 1)
    pass_time(line, 61)

    assert row().state == "sent"
    assert len(server.sends) == 2


def test_one_absence_proves_nothing(server, doubt):
    line, _ = doubt
    server.records = [record("3EB0FF", "outra coisa", OTHER)]

    pass_time(line, 6)
    pass_time(line, 20)

    assert row().state == "unknown"
    assert len(server.sends) == 1


def test_an_empty_store_proves_nothing(server, doubt):
    line, _ = doubt

    for seconds in (6, 70, 70, 700, 4000):
        pass_time(line, seconds)

    assert row().state == "unknown"
    assert len(server.sends) == 1


def test_a_number_that_was_away_proves_nothing(server, doubt):
    line, _ = doubt
    server.records = [record("3EB0FF", "outra coisa", OTHER)]
    ConnectionEvent.objects.create(
        connection=line, state="connected", at=timezone.now(), raw_event_id=1
    )

    for seconds in (6, 70, 70):
        pass_time(line, seconds)

    assert row().state == "unknown"
    assert len(server.sends) == 1


def test_the_same_words_to_an_unknown_lid_stop_the_proof(server, doubt):
    line, _ = doubt
    server.records = [record("3EB0FF", "Bom dia!", "184512903377841@lid")]

    for seconds in (6, 70, 70):
        pass_time(line, seconds)

    assert row().state == "unknown"


def test_a_server_that_does_not_answer_proves_nothing(server, doubt):
    line, _ = doubt
    server.error = EvolutionError("server_error", http_status=500)

    for seconds in (6, 70, 70):
        pass_time(line, seconds)

    assert row().state == "unknown"
    assert {one.outcome for one in OutgoingAttempt.objects.filter(act="check")} == {"unreachable"}


def test_another_message_of_ours_is_not_mistaken_for_it(server, doubt):
    line, _ = doubt
    server.answers = [
        lambda what: Outcome("accepted", http_status=201, provider_id=ID, remote_jid=what["to"])
    ]
    Outgoing.objects.update(holds_until=timezone.now())
    second = say(line, "Bom dia!")
    run_lanes()
    second.refresh_from_db()
    assert second.provider_id == ID
    server.records = [record(ID, "Bom dia!", KNOWN_JID)]

    first = Outgoing.objects.earliest("pk")
    pass_time(line, 6)

    first.refresh_from_db()
    assert first.state == "unknown"


def test_an_own_id_is_looked_for_by_itself(server):
    line = make_line(make_server(version="2.4.0"), state_at=timezone.now() - timedelta(days=1))
    server.answers = [Outcome("unknown", "timed_out")]
    message = say(line, "Bom dia!")
    run_lanes()
    server.records = [record(message.provider_id, "anything", OTHER)]

    pass_time(line, 6)

    assert row().state == "sent"


def test_after_a_day_it_is_given_up_and_can_be_replayed(server, doubt):
    line, message = doubt

    pass_time(line, 24 * 3600 + 1)

    message.refresh_from_db()
    assert (row().state, row().failure["code"]) == ("dead", "unresolved")
    assert message.status == "failed"
    retry(message.public_id)
    run_lanes()
    assert row().state == "sent"
    assert len(server.sends) == 2


@pytest.mark.parametrize(
    ("was_sent", "state", "status"), [(True, "sent", "sent"), (False, "failed", "failed")]
)
def test_a_person_may_say_what_became_of_it(server, doubt, was_sent, state, status):
    _, message = doubt

    resolve(message.public_id, was_sent=was_sent)

    message.refresh_from_db()
    assert (row().state, message.status) == (state, status)
    assert run_lanes() <= 1
    assert len(server.sends) == 1


def test_a_leftover_of_a_dead_worker_is_a_doubt(server):
    line = make_line(state_at=timezone.now() - timedelta(days=1))
    say(line, "Bom dia!")
    Outgoing.objects.update(
        state="sending",
        sending_at=timezone.now(),
        attempts=1,
        attempt_token="0190a0a0-0000-7000-8000-000000000001",
    )

    run_lanes()

    assert (row().state, row().failure["code"]) == ("unknown", "worker_died")
    assert server.sends == []
    server.records = [record("3EB0FF", "outra coisa", OTHER)]
    pass_time(line, 6)
    pass_time(line, 61)
    assert row().state == "sent"
    assert Message.objects.get().status == "sent"


def test_a_connection_that_is_gone_keeps_its_lane_quiet(server, doubt):
    line, _ = doubt
    Connection.objects.update(state="disconnected")

    pass_time(line, 6)

    assert row().state == "unknown"


results = st.sampled_from(["found", "absent", "unclear", "unreachable"])
steps = st.lists(st.tuples(st.floats(0.1, 40_000), results, st.booleans()), max_size=30)


@given(steps)
def test_nothing_is_repeated_without_proof(looks):
    """It is queued again only after two absences a minute apart, on a number that stayed up.

    Whatever the looks tell and in whatever order; and in the end there is an end.
    """
    start = timezone.now()
    one = Outgoing(state="unknown", sending_at=start)
    now, absences = start, []
    for seconds, result, is_steady in looks:
        now += timedelta(seconds=seconds)
        decision = decide(one, result, now, is_steady=is_steady)
        age = (now - start).total_seconds()
        if result == "absent" and is_steady and age >= periods().first_check:
            absences.append(now)
        else:
            absences = []
        if decision.state == "queued":
            assert absences[-1] - absences[0] >= timedelta(seconds=periods().absence_gap)
            return
        if decision.state == "sent":
            assert result == "found"
            return
        if decision.state == "dead":
            assert age >= periods().give_up
            return
        assert age < periods().give_up
        assert decision.next_at >= now
        one.absences, one.absent_since = decision.absences, decision.absent_since


@given(st.floats(0, 100_000))
def test_the_next_look_is_always_ahead(age):
    assert check_after(age) > age
