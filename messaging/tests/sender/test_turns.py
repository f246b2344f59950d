"""Turns: what leaves, in which order, what each outcome leaves behind, and who holds the lane."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from evosense.core.models import OutboxEvent
from evosense.core.schema import current_tenant, public_scope
from evosense.testing.threads import run_threads
from messaging.gateway import lanes
from messaging.gateway.client.outcome import Outcome
from messaging.gateway.models import EvolutionServer, Lane
from messaging.models import Connection, Message, Outgoing, OutgoingAttempt, Reaction
from messaging.sender import claims, steps
from messaging.sender.steps import LostLane, Place
from messaging.sender.turn import Turn
from messaging.services.sending import SendRequest, cancel, react, send_message
from messaging.tests import factories
from messaging.tests.sender.fakes import run_lanes, run_turn, states
from messaging.tests.sending.things import KNOWN_JID, lane_of, make_line, say

NOT_SENT = Outcome("not_sent", "connect_failed", effect="server_down")
UNKNOWN = Outcome("unknown", "timed_out")


def failures(public_id):
    server_id = Connection.objects.get(public_id=public_id).server_id
    return EvolutionServer.objects.get(pk=server_id).breaker_failures


def test_a_text_is_sent_and_takes_its_real_id(server):
    message = say(make_line())

    run_lanes()

    message.refresh_from_db()
    outgoing = Outgoing.objects.get()
    assert server.sends[0]["to"] == KNOWN_JID
    assert message.provider_id.startswith("3EB0")
    assert (message.status, message.conversation.preview_status) == ("sent", "sent")
    assert (outgoing.state, outgoing.attempts) == ("sent", 1)
    attempt = OutgoingAttempt.objects.get()
    assert (attempt.outcome, attempt.http_status) == ("accepted", 201)


def test_the_house_is_told(server):
    say(make_line())

    run_lanes()

    with public_scope():
        rows = OutboxEvent.objects.filter(topic="messaging.outgoing_changed")
        told = [event["state"] for event in rows.order_by("pk").values_list("payload", flat=True)]
    assert told == ["queued", "sent"]


def test_a_lane_without_work_rests(server):
    line = make_line()
    say(line)

    run_lanes()

    lane = lane_of(line)
    assert (lane.state, lane.due_at, lane.holder) == ("open", None, None)


def test_a_conversation_keeps_its_order_and_people_go_first(server):
    line = make_line()
    say(line, "bulk", source="dispatch", to="5511977776666")
    for number in range(3):
        say(line, f"texto {number}", source="api")
    say(line, "agora", to="5511966665555")

    run_lanes()

    assert server.texts == ["agora", "texto 0", "texto 1", "texto 2", "bulk"]


def test_a_doubt_holds_its_conversation_only(server):
    line = make_line()
    server.answers = [UNKNOWN]
    say(line, "duvidoso")
    say(line, "depois")
    say(line, "outro", to="5511977776666")

    run_lanes()

    assert server.texts == ["duvidoso", "outro"]
    assert states() == ["unknown", "queued", "sent"]
    assert lane_of(line).due_at is not None
    assert Message.objects.get(text="duvidoso").status == "pending"


def test_a_conversation_goes_on_when_the_hold_ends(server):
    line = make_line()
    server.answers = [UNKNOWN]
    say(line, "duvidoso")
    say(line, "depois")
    run_lanes()
    Outgoing.objects.filter(state="unknown").update(
        holds_until=timezone.now(), next_at=timezone.now() + timedelta(hours=1)
    )
    lanes.wake(line.public_id)

    run_lanes()

    assert server.texts == ["duvidoso", "depois"]


def test_what_was_certainly_not_sent_is_tried_again(server):
    line = make_line()
    server.answers = [NOT_SENT]
    say(line)

    run_lanes()

    outgoing = Outgoing.objects.get()
    assert (outgoing.state, outgoing.failure["code"]) == ("queued", "connect_failed")
    assert outgoing.next_at > timezone.now()
    assert lane_of(line).due_at == outgoing.next_at
    assert failures(line.public_id) == 1


def test_an_answer_forgives_a_server(server):
    line = make_line()
    server.answers = [NOT_SENT]
    say(line)
    run_lanes()
    Outgoing.objects.update(next_at=timezone.now())
    lanes.wake(line.public_id)

    run_lanes()

    assert states() == ["sent"]
    assert failures(line.public_id) == 0


def test_what_can_never_be_sent_fails_with_its_reason(server):
    server.answers = [Outcome("permanent", "not_on_whatsapp", http_status=400)]
    message = say(make_line())

    run_lanes()

    message.refresh_from_db()
    assert states() == ["failed"]
    assert (message.status, message.failure["code"]) == ("failed", "not_on_whatsapp")


def test_a_refused_key_trips_the_lane_until_somebody_acts(server):
    line = make_line()
    server.answers = [Outcome("not_sent", "unauthorized", http_status=401, effect="trip_lane")]
    say(line)

    run_lanes()

    lane = lane_of(line)
    assert (lane.state, lane.reason) == ("tripped", "unauthorized")
    assert states() == ["queued"]
    lanes.wake(line.public_id)
    assert run_lanes() == 0
    lanes.resume(line.public_id)
    run_lanes()
    assert states() == ["sent"]


def test_a_number_that_is_down_holds_its_lane(server):
    line = make_line()
    say(line)
    Connection.objects.update(state="disconnected")

    run_lanes()

    lane = lane_of(line)
    assert (lane.state, lane.reason) == ("held", "number_down")
    assert timedelta(0) < lane.due_at - timezone.now() < timedelta(seconds=20)
    assert server.sends == []
    Connection.objects.update(state="connected")
    lanes.release(line.public_id)
    run_lanes()
    assert states() == ["sent"]


def test_a_paused_lane_sends_nothing(server):
    line = make_line()
    say(line)
    lanes.pause(line.public_id)

    run_lanes()

    assert server.sends == []
    assert lane_of(line).due_at is None


def test_a_connection_without_a_key_trips_with_the_reason(server):
    line = make_line()
    say(line)
    with public_scope():
        EvolutionServer.objects.update(api_key=None)

    run_lanes()

    assert lane_of(line).reason == "no_key"


def test_what_waited_too_long_expires(server):
    line = make_line()
    message = say(line, expires_at=timezone.now() + timedelta(hours=1))
    Outgoing.objects.update(expires_at=timezone.now())

    run_lanes()

    message.refresh_from_db()
    assert states() == ["failed"]
    assert message.failure["code"] == "expired"
    assert server.sends == []


def test_a_cancelled_one_does_not_leave(server):
    line = make_line()
    cancel(say(line, "não").public_id)
    say(line, "sim")

    run_lanes()

    assert server.texts == ["sim"]


def test_acts_are_tried_again_instead_of_doubted(server):
    line = make_line()
    asked = factories.make_message(factories.make_conversation(line))
    server.answers = [UNKNOWN]
    react(asked.public_id, "👍")

    run_lanes()

    assert states() == ["queued"]
    Outgoing.objects.update(next_at=timezone.now())
    lanes.wake(line.public_id)
    run_lanes()
    assert states() == ["sent"]
    assert server.sends[-1]["payload"]["target"]["provider_id"] == asked.provider_id
    assert Reaction.objects.get().emoji == "👍"


def test_only_one_message_of_a_number_can_be_on_its_way(tenant):
    line = make_line()
    say(line)
    say(line)
    Outgoing.objects.filter(pk=Outgoing.objects.earliest("pk").pk).update(state="sending")

    with pytest.raises(IntegrityError), transaction.atomic():
        Outgoing.objects.filter(state="queued").update(state="sending")


def test_two_senders_never_hold_one_lane(server):
    tenant_lines = [make_line() for _ in range(3)]
    for line in tenant_lines:
        say(line)

    found = run_threads([lambda: claims.claim(2, []) for _ in range(4)])

    held = [claim.connection_id for batch in found for claim in batch]
    assert sorted(held) == sorted(line.public_id for line in tenant_lines)


def test_who_lost_the_lane_takes_nothing_more(server):
    line = make_line()
    say(line)
    claim = claims.claim(1, [])[0]
    with public_scope():
        Lane.objects.update(lease_until=timezone.now())
    assert claims.claim(1, [])

    with pytest.raises(LostLane):
        steps.take(Place(claim, line.pk))
    connections["default"].close()
    assert states() == ["queued"]


def test_an_outcome_is_written_even_after_the_lane_was_lost(server):
    line = make_line()
    say(line, "um")
    say(line, "dois")

    def steal(what):
        with public_scope():
            Lane.objects.update(lease_until=timezone.now())
        claims.claim(1, [])
        return Outcome("accepted", http_status=201, provider_id="3EB0AA", remote_jid=what["to"])

    server.answers = [steal]
    run_turn(claims.claim(1, [])[0])

    assert states() == ["sent", "queued"]


def test_an_acceptance_counts_after_others_gave_up_hope(server):
    line = make_line()
    say(line)

    def doubt(what):
        Outgoing.objects.update(state="unknown")
        return Outcome("accepted", http_status=201, provider_id="3EB0AB", remote_jid=what["to"])

    server.answers = [doubt]
    run_lanes()

    assert states() == ["sent"]


def test_a_turn_ends_so_that_others_get_theirs(server):
    line = make_line()
    for number in range(25):
        say(line, f"{number}")

    run_turn(claims.claim(1, [])[0])

    assert len(server.sends) == 20
    assert lane_of(line).due_at <= timezone.now()


def test_a_stopping_sender_finishes_what_it_began(server):
    line = make_line()
    say(line, "um")
    say(line, "dois")
    claim = claims.claim(1, [])[0]

    Turn(claim, current_tenant(), lambda: True).run()

    assert states() == ["sent", "queued"]


def test_the_address_that_was_used_is_learnt(server):
    line = make_line()
    message = say(line, to="5571980001234")
    server.answers = [
        lambda _what: Outcome(
            "accepted",
            http_status=201,
            provider_id="3EB0AC",
            remote_jid="557180001234@s.whatsapp.net",
        )
    ]

    run_lanes()

    assert message.conversation.contact.identities.count() == 2
    second = send_message(
        SendRequest("text", {"text": "Oi"}, conversation=message.conversation.public_id)
    )
    run_lanes()
    assert second.conversation_id == message.conversation_id
    assert server.sends[-1]["to"] == "557180001234@s.whatsapp.net"
