"""How often what was certainly not sent is tried again by itself, and what ends that."""

from datetime import timedelta

from django.utils import timezone

from evosense.core.schema import public_scope
from messaging.gateway import lanes
from messaging.gateway.client.outcome import Outcome
from messaging.gateway.models import EvolutionServer
from messaging.models import Message, Outgoing, OutgoingAttempt
from messaging.sender.verdict import MOST_PASSING_FAULTS
from messaging.services.sending import retry
from messaging.tests.sender.fakes import run_lanes, states
from messaging.tests.sending.things import make_line, say

DOWN = Outcome("not_sent", "connect_failed", effect="server_down")
AWAY = Outcome("not_sent", "not_connected", http_status=500, effect="hold_lane")
BUSY = Outcome("not_sent", "too_many_requests", http_status=429)


def answer_with(server, line, *answers):
    """Let what waits be tried once for each answer, whatever it, its lane and its server await."""
    for answer in answers:
        server.answers = [answer]
        Outgoing.objects.filter(state="queued").update(next_at=timezone.now())
        with public_scope():
            EvolutionServer.objects.update(breaker="closed", breaker_failures=0, breaker_until=None)
        lanes.wake(line.public_id)
        lanes.release(line.public_id)
        run_lanes(1)


def test_waiting_for_a_number_or_a_server_uses_up_no_tries(server):
    line = make_line()
    say(line)

    answer_with(server, line, *[DOWN, AWAY] * MOST_PASSING_FAULTS)
    answer_with(server, line, *[BUSY] * (MOST_PASSING_FAULTS - 1))

    assert states() == ["queued"]
    row = Outgoing.objects.get()
    assert (row.attempts, row.passing_faults) == (3 * MOST_PASSING_FAULTS - 1, 9)


def test_faults_that_pass_end_a_message_some_time_and_a_person_begins_anew(server):
    line = make_line()
    message = say(line)

    answer_with(server, line, *[BUSY] * MOST_PASSING_FAULTS)

    message.refresh_from_db()
    assert (states(), message.status) == (["dead"], "failed")
    assert message.failure == {"code": "too_many_requests", "detail": "", "can_retry": True}

    retry(message.public_id)
    answer_with(server, line, BUSY)
    assert states() == ["queued"]


def test_the_first_fault_after_a_long_wait_is_tried_again_soon(server):
    line = make_line()
    say(line)
    answer_with(server, line, *[AWAY] * 8)

    answer_with(server, line, BUSY)

    assert Outgoing.objects.get().next_at - timezone.now() < timedelta(seconds=3)


def test_what_waits_for_its_number_still_expires(server):
    line = make_line()
    message = say(line, expires_at=timezone.now() + timedelta(hours=1))
    answer_with(server, line, *[AWAY] * 12)
    Outgoing.objects.update(expires_at=timezone.now())

    answer_with(server, line, BUSY)

    message.refresh_from_db()
    assert (states(), message.failure["code"]) == (["failed"], "expired")
    assert OutgoingAttempt.objects.count() == 12
    assert Message.objects.get().status == "failed"
