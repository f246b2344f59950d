"""Echoes and receipts settle what we sent, whenever they come, and make no second bubble."""

from datetime import timedelta

import pytest
from django.utils import timezone

from messaging.gateway.client.outcome import Outcome
from messaging.models import Contact, Conversation, Message, Outgoing
from messaging.services.sending import SendRequest, retry, send_message
from messaging.tests.sender.fakes import echo, hear, receipt, run_lanes
from messaging.tests.sending.things import KNOWN_JID, lane_of, make_line, make_server, say

UNKNOWN = Outcome("unknown", "timed_out")
ID = "3EB0F80AF6FEFB7A50EB33"


def state():
    return Outgoing.objects.get().state


def test_an_echo_settles_a_doubt(server):
    line = make_line()
    server.answers = [UNKNOWN]
    message = say(line, "Bom dia!")
    run_lanes()

    hear(line, echo(line, ID, "Bom dia!", KNOWN_JID))

    message.refresh_from_db()
    assert (message.provider_id, message.source) == (ID, "panel")
    assert Message.objects.count() == 1
    assert state() == "sent"
    assert lane_of(line).due_at <= timezone.now()


def test_an_echo_may_overtake_the_answer(server):
    line = make_line()

    def answer(what):
        hear(line, echo(line, ID, "Oi", what["to"]))
        return Outcome("accepted", http_status=201, provider_id=ID, remote_jid=what["to"])

    server.answers = [answer]
    message = say(line, "Oi")

    run_lanes()

    message.refresh_from_db()
    assert message.provider_id == ID
    assert Message.objects.count() == 1
    assert state() == "sent"


def test_an_echo_in_other_words_becomes_one_bubble_with_the_answer(server):
    """What the hash cannot know, the answer's id tells: the echo's row is folded in."""
    line = make_line()

    def answer(what):
        hear(line, echo(line, ID, "Oi ali", what["to"]), receipt(line, ID, "READ", what["to"]))
        return Outcome("accepted", http_status=201, provider_id=ID, remote_jid=what["to"])

    server.answers = [answer]
    message = say(line, "Oi")

    run_lanes()

    message.refresh_from_db()
    conversation = Conversation.objects.get()
    assert Message.objects.count() == 1
    assert (message.provider_id, message.status) == (ID, "read")
    assert conversation.last_message_id == message.pk
    assert conversation.preview_status == "read"


def test_somebody_elses_equal_text_keeps_its_own_row(server):
    line = make_line()

    def answer(what):
        hear(line, echo(line, "3EB0AAAAAAAAAAAAAAAAAA", "Oi", what["to"]))
        return Outcome("accepted", http_status=201, provider_id=ID, remote_jid=what["to"])

    server.answers = [answer]
    message = say(line, "Oi")

    run_lanes()

    message.refresh_from_db()
    assert message.provider_id == ID
    assert set(Message.objects.values_list("provider_id", flat=True)) == {
        ID,
        "3EB0AAAAAAAAAAAAAAAAAA",
    }


def test_a_late_echo_is_not_of_the_equal_message_behind_it(server):
    """Two pictures without words: the first one's echo comes while the second is on its way."""
    line = make_line()
    second = "3EB0BBBBBBBBBBBBBBBBBB"

    def answer(what):
        hear(line, echo(line, ID, "Oi", what["to"]))
        return Outcome("accepted", http_status=201, provider_id=second, remote_jid=what["to"])

    server.answers = [
        lambda what: Outcome("accepted", http_status=201, provider_id=ID, remote_jid=what["to"]),
        answer,
    ]
    messages = [say(line, "Oi"), say(line, "Oi")]

    run_lanes()

    kept = Message.objects.order_by("pk").values_list("pk", "public_id", "provider_id")
    assert list(kept) == [
        (messages[0].pk, messages[0].public_id, ID),
        (messages[1].pk, messages[1].public_id, second),
    ]
    outgoing = Outgoing.objects.order_by("pk").values_list("message_id", "state")
    assert list(outgoing) == [(messages[0].pk, "sent"), (messages[1].pk, "sent")]


def test_of_equal_ones_an_echo_is_of_the_one_that_left_then(server):
    line = make_line()

    def answer(what):
        hear(line, echo(line, ID, "Oi", what["to"]))
        return Outcome("accepted", http_status=201, provider_id=ID, remote_jid=what["to"])

    server.answers = [UNKNOWN, answer]
    lost = say(line, "Oi")
    run_lanes()
    now = timezone.now()
    Outgoing.objects.update(
        sending_at=now - timedelta(minutes=2), holds_until=now, next_at=now + timedelta(hours=1)
    )
    known = say(line, "Oi")
    run_lanes()

    states = dict(Outgoing.objects.values_list("message_id", "state"))
    assert states == {lost.pk: "unknown", known.pk: "sent"}
    assert Message.objects.get(pk=known.pk).provider_id == ID


def test_what_was_typed_on_the_phone_settles_nothing(server):
    line = make_line()
    server.answers = [UNKNOWN]
    say(line, "Oi")
    run_lanes()

    hear(line, echo(line, "3A0123456789ABCDEF01", "Oi", KNOWN_JID, event="messages.upsert"))

    assert state() == "unknown"
    assert Message.objects.count() == 2


@pytest.mark.parametrize(
    ("text", "jid", "minutes"),
    [("Tchau", KNOWN_JID, 0), ("Oi", "5511900000009@s.whatsapp.net", 0), ("Oi", KNOWN_JID, 30)],
)
def test_another_message_settles_nothing(server, text, jid, minutes):
    line = make_line()
    server.answers = [UNKNOWN]
    say(line, "Oi")
    run_lanes()
    at = timezone.now() + timedelta(minutes=minutes)

    hear(line, echo(line, ID, text, jid, at=at))

    assert state() == "unknown"


def test_an_echo_under_the_other_form_of_the_number_makes_no_second_person(server):
    line = make_line()
    server.answers = [UNKNOWN]
    say(line, "Oi", to="5571980001234")
    run_lanes()

    hear(line, echo(line, ID, "Oi", "557180001234@s.whatsapp.net"))

    assert state() == "sent"
    assert Contact.objects.count() == 1
    assert Message.objects.get().provider_id == ID


def test_a_receipt_under_our_own_id_settles_a_doubt(server):
    line = make_line(make_server(version="2.4.0"))
    server.answers = [UNKNOWN]
    message = say(line)
    run_lanes()

    hear(line, receipt(line, message.provider_id, "DELIVERY_ACK", KNOWN_JID))

    message.refresh_from_db()
    assert (state(), message.status) == ("sent", "delivered")


def test_receipts_that_came_before_the_answer_are_not_lost(server):
    line = make_line()

    def answer(what):
        hear(line, receipt(line, ID, "READ", what["to"]))
        return Outcome("accepted", http_status=201, provider_id=ID, remote_jid=what["to"])

    server.answers = [answer]
    message = say(line)

    run_lanes()

    message.refresh_from_db()
    assert message.status == "read"
    assert Conversation.objects.get().preview_status == "read"


def test_a_refusal_of_whatsapp_fails_it_for_good(server):
    line = make_line()
    message = say(line)
    run_lanes()
    message.refresh_from_db()

    hear(line, receipt(line, message.provider_id, "ERROR", KNOWN_JID))

    message.refresh_from_db()
    outgoing = Outgoing.objects.get()
    assert (outgoing.state, outgoing.failure["code"]) == ("failed", "server_nack")
    assert (message.status, message.failure["code"]) == ("failed", "server_nack")
    run_lanes()
    assert len(server.sends) == 1


def test_a_person_may_send_a_refused_one_again_under_a_new_id(server):
    line = make_line()
    message = say(line)
    run_lanes()
    message.refresh_from_db()
    refused = message.provider_id
    hear(line, receipt(line, refused, "ERROR", KNOWN_JID))

    retry(message.public_id)
    run_lanes()

    message.refresh_from_db()
    assert state() == "sent"
    assert message.provider_id != refused
    assert (message.status, message.failure) == ("sent", None)
    assert len(server.sends) == 2


def test_a_receipt_after_giving_up_tells_the_truth(server):
    line = make_line(make_server(version="2.4.0"))
    message = say(line)
    Outgoing.objects.update(state="dead")
    Message.objects.update(status="failed")

    hear(line, receipt(line, message.provider_id, "DELIVERY_ACK", KNOWN_JID))

    message.refresh_from_db()
    assert (state(), message.status) == ("sent", "delivered")


def test_a_batch_of_others_asks_nothing_about_ours(server, count_queries):
    line = make_line()
    first = send_message(SendRequest("text", {"text": "Oi"}, line.public_id, to=KNOWN_JID))
    inbound = echo(line, "3A00", "Olá", KNOWN_JID, event="messages.upsert")
    inbound["data"]["key"]["fromMe"] = False

    with count_queries() as seen:
        hear(line, inbound)

    assert first.pk
    assert not [sql for sql in seen if "messaging_outgoing" in sql]
