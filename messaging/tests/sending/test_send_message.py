"""Queueing: the rows, what is refused, and what the thread shows at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.models import OutboxEvent
from evosense.core.phones import br_variants
from evosense.core.schema import public_scope
from messaging import echoes
from messaging.addresses import identity_hmac
from messaging.models import Connection, Contact, Conversation, Message, Outgoing
from messaging.services.sending import SendRequest, retry, send_message, sending_refusal
from messaging.tests import factories
from messaging.tests.sending.things import KNOWN, lane_of, make_line, make_server, say


def test_a_text_is_shown_at_once_and_waits(tenant):
    line = make_line()

    message = say(line, "  Bom dia!\r\n")

    outgoing = Outgoing.objects.get()
    assert (message.type, message.text, message.status) == ("text", "Bom dia!", "pending")
    assert message.direction == "outbound"
    assert message.source == "panel"
    assert message.provider_id == f"evs:{message.public_id}"
    assert outgoing.public_id == message.public_id
    assert outgoing.message_id == message.pk
    assert (outgoing.state, outgoing.priority) == ("queued", 0)
    assert bytes(outgoing.content_hash) == echoes.content_hash("text", "Bom dia!")


def test_the_conversation_shows_it_as_apply_would(tenant):
    message = say(make_line(), "Bom dia!")

    conversation = Conversation.objects.get()
    assert conversation.last_message_id == message.pk
    assert conversation.preview == "Bom dia!"
    assert conversation.preview_status == "pending"
    assert conversation.last_outbound_at == message.occurred_at
    assert conversation.unread_count == 0


def test_it_wakes_the_lane_of_its_server(tenant):
    server = make_server()
    line = make_line(server)

    say(line)

    lane = lane_of(line)
    assert (lane.state, lane.server_id) == ("open", server.id)
    assert lane.due_at <= timezone.now()


def test_it_tells_the_house(tenant):
    message = say(make_line())

    with public_scope():
        topics = dict(OutboxEvent.objects.values_list("topic", "payload"))
    assert topics["messaging.messages_stored"]["message_ids"] == [message.pk]
    assert topics["messaging.outgoing_changed"]["state"] == "queued"


def test_both_forms_of_a_brazilian_number_are_one_person(tenant):
    line = make_line()

    first = say(line, to="+55 (71) 98000-1234")
    second = say(line, to="557180001234")

    assert first.conversation_id == second.conversation_id
    assert Contact.objects.count() == 1


def test_a_conversation_answers_on_its_own_connection(tenant):
    conversation = factories.make_conversation(make_line())

    message = send_message(SendRequest("text", {"text": "Oi"}, conversation=conversation.public_id))

    assert message.conversation_id == conversation.pk
    assert message.connection_id == conversation.connection_id


def test_a_server_that_honours_ids_gets_ours(tenant):
    line = make_line(make_server(version="2.4.0", capabilities={}))

    message = say(line)

    outgoing = Outgoing.objects.get()
    assert outgoing.preset_id == message.provider_id
    assert outgoing.preset_id.startswith("3EB0")
    assert len(outgoing.preset_id) == 22


def test_a_quote_is_kept_as_the_echo_would(tenant):
    conversation = factories.make_conversation(make_line())
    asked = factories.make_message(conversation, text="Tem?")

    message = send_message(
        SendRequest(
            "text",
            {"text": "Tem"},
            conversation=conversation.public_id,
            reply_to=asked.public_id,
        )
    )

    assert message.reply_to_provider_id == asked.provider_id
    assert message.quote["text"] == "Tem?"
    assert Outgoing.objects.get().payload["quote"]["provider_id"] == asked.provider_id


def test_what_has_not_left_cannot_be_quoted(tenant):
    line = make_line()
    waiting = say(line)

    with pytest.raises(Conflict) as raised:
        say(line, reply_to=waiting.public_id)

    assert raised.value.code == "not_sent_yet"


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ({"state": "banned"}, "banned"),
        ({"state": "logged_out"}, "logged_out"),
        ({"state": "disconnected"}, "number_down"),
        ({"removed_at": timezone.now()}, "removed"),
        ({"is_active": False}, "closed"),
        ({"quarantined_at": timezone.now()}, "quarantined"),
        ({"server_id": None}, "no_server"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_a_reason(tenant, over, code):
    line = make_line(**over)

    with pytest.raises(Conflict) as raised:
        say(line)

    assert raised.value.code == code
    assert sending_refusal(line.public_id).code == code
    assert not Message.objects.exists()


def test_a_server_refuses_what_it_cannot_do(tenant):
    line = make_line(make_server(version="2.2.1"))

    assert sending_refusal(line.public_id).code == "unsupported_version"
    with pytest.raises(Conflict):
        say(line)


def test_a_program_may_queue_for_a_number_that_is_away(tenant):
    line = make_line(state="disconnected")

    message = say(line, source="api")

    assert message.status == "pending"
    assert Outgoing.objects.get().priority == 5


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"text": " "}, "text"),
        ({"text": 7}, "text"),
        ({"text": "x" * 65_537}, "text"),
        ({}, "text"),
    ],
)
def test_a_wrong_text_names_its_field(tenant, payload, field):
    with pytest.raises(Invalid) as raised:
        send_message(SendRequest("text", payload, make_line().public_id, to=KNOWN))

    assert raised.value.field == field


@pytest.mark.parametrize("to", ["", "abc", "12@newsletter", "5541900000001"])
def test_a_wrong_address_is_refused(tenant, to):
    with pytest.raises(Invalid) as raised:
        say(make_line(), to=to)

    assert raised.value.field == "to"


@pytest.mark.parametrize("to", ["5541988887777", "554188887777"])
def test_the_own_number_is_refused_in_both_its_forms(tenant, to):
    line = make_line()
    for own in br_variants(to):
        Connection.objects.filter(pk=line.pk).update(
            number="5511900001234", own_hmac=identity_hmac("pn", own)
        )
        with pytest.raises(Invalid) as refused:
            say(line, to=to)
        assert refused.value.code == "own_number"
        line.number = own
        line.own_hmac = None
        line.save()
        with pytest.raises(Invalid) as refused:
            say(line, to=to)
        assert refused.value.code == "own_number"


def test_a_conversation_and_a_number_contradict_each_other(tenant):
    line = make_line()
    chat = say(line).conversation
    with pytest.raises(Invalid) as refused:
        say(line, conversation=chat.public_id)
    assert refused.value.field == "to"


@pytest.mark.parametrize(
    ("over", "code"),
    [({"removed_at": timezone.now()}, "removed"), ({"is_active": False}, "closed")],
)
def test_what_nothing_would_send_is_not_queued_again(tenant, over, code):
    line = make_line()
    message = say(line)
    Outgoing.objects.update(state=Outgoing.State.FAILED)
    Connection.objects.filter(pk=line.pk).update(**over)
    with pytest.raises(Conflict) as refused:
        retry(message.public_id)
    assert refused.value.code == code
    assert Outgoing.objects.get().state == Outgoing.State.FAILED


def test_the_default_connection_sends_when_none_is_named(tenant):
    default = make_line(is_default=True)
    make_line(make_server(url="https://other.example.com"), is_default=False)

    message = send_message(SendRequest("text", {"text": "Oi"}, to=KNOWN))

    assert message.connection_id == default.pk


def test_without_connections_nothing_is_sent(tenant):
    with pytest.raises(NotFound):
        send_message(SendRequest("text", {"text": "Oi"}, to=KNOWN))


def test_a_poll_looks_like_its_echo(tenant):
    payload = {"name": "Cor?", "options": ["azul", "verde"], "selectable": 1}

    message = send_message(SendRequest("poll", payload, make_line().public_id, to=KNOWN))

    assert message.text == "Cor? [azul | verde]"
    assert message.extra["poll"]["options"] == ["azul", "verde"]


def test_an_end_is_kept(tenant):
    until = timezone.now() + timedelta(minutes=5)

    say(make_line(), expires_at=until)

    assert Outgoing.objects.get().expires_at == until
