"""Acts on one message from its menu: who may, what is offered, what is refused."""

import re
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from messaging.models import Connection, Message, Outgoing, OutgoingAttempt, Reaction
from messaging.tests.factories import make_connection, make_contact, make_conversation, make_message

HTMX = {"HTTP_HX_REQUEST": "true"}
pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def conversation(tenant):
    connection = make_connection(server_url="https://evo.example.com")
    Connection.objects.update(state="connected")
    return make_conversation(connection, make_contact("Marlene"))


def url_of(message, act=""):
    parts = ["/conversas", str(message.conversation.public_id), "mensagens", str(message.public_id)]
    return "/".join([*parts, act, ""] if act else [*parts, ""])


def ours(conversation, **over):
    fields = {"direction": "outbound", "source": "panel", "occurred_at": timezone.now()}
    return make_message(conversation, **{**fields, **over})


def sent_from_here(conversation, state, failure=None, **over):
    message = ours(conversation, **over)
    Outgoing.objects.create(
        public_id=message.public_id,
        connection=conversation.connection,
        conversation=conversation,
        message=message,
        kind="text",
        payload={"text": message.text},
        state=state,
        failure=failure,
        finished_at=timezone.now() if state in {"failed", "dead"} else None,
    )
    return message


def notices(answer):
    return answer.content.decode().split('id="toasts"')[1].split("<template")[0]


def menu(client, message):
    return client.get(url_of(message, "menu"), **HTMX).content.decode()


def test_the_menu_offers_what_can_be_done(client_for, conversation):
    client = client_for("agent")
    theirs = menu(client, make_message(conversation, text="oi"))
    for act in ("reagir", "citar", "encaminhar"):
        assert f"/{act}/" in theirs
    for act in ("editar", "apagar", "cancelar"):
        assert f"/{act}/" not in theirs
    fresh = menu(client, ours(conversation))
    assert "/editar/" in fresh
    assert "/apagar/" in fresh
    old = menu(client, ours(conversation, occurred_at=timezone.now() - timedelta(minutes=16)))
    assert "/editar/" not in old
    assert "/apagar/" in old
    assert "/cancelar/" in menu(client, sent_from_here(conversation, "queued", status="pending"))


def test_readers_may_copy_and_look_only(client_for, conversation):
    html = menu(client_for("viewer"), make_message(conversation, text="oi"))
    assert "hx-post" not in html
    assert 'data-text="oi"' in html


def test_nothing_is_offered_on_what_was_deleted(client_for, conversation):
    gone = make_message(conversation, text="segredo", deleted_at=timezone.now())
    html = menu(client_for("agent"), gone)
    assert "hx-post" not in html
    assert "segredo" not in html


@pytest.mark.parametrize(
    ("act", "body", "kind", "payload"),
    [
        ("reagir", {"emoji": "👍"}, "reaction", {"emoji": "👍"}),
        ("reagir", {"emoji": ""}, "reaction", {"emoji": ""}),
        ("editar", {"text": "outra"}, "edit", {"text": "outra"}),
        ("apagar", {}, "delete", {}),
    ],
)
def test_acts_are_queued_once_asked_for(client_for, conversation, act, body, kind, payload):
    message = ours(conversation)
    answer = client_for("agent").post(url_of(message, act), body, **HTMX)
    assert answer.status_code == 200, answer.content
    assert str(conversation.public_id) in answer["HX-Trigger"]
    row = Outgoing.objects.get()
    assert (row.kind, row.target_id) == (kind, message.pk)
    assert payload.items() <= row.payload.items()


def test_refusals_say_why_and_change_nothing(client_for, conversation):
    client = client_for("agent")
    late = ours(conversation, occurred_at=timezone.now() - timedelta(minutes=20))
    edited = client.post(url_of(late, "editar"), {"text": "x"}, **HTMX)
    assert edited.status_code == 422
    assert 'id="id_text-error"' in edited.content.decode()
    theirs = make_message(conversation)
    for act, body in (("apagar", {}), ("reagir", {"emoji": "abc"}), ("reenviar", {})):
        answer = client.post(url_of(theirs, act), body, **HTMX)
        assert answer.status_code in {404, 422}, act
    Connection.objects.update(state="disconnected")
    answer = client.post(url_of(theirs, "reagir"), {"emoji": "👍"}, **HTMX)
    assert answer.status_code == 422
    assert "toast" in answer["HX-Trigger"]
    assert not Outgoing.objects.exists()


def test_what_failed_says_why_and_can_be_sent_again(client_for, conversation):
    failure = {"code": "not_on_whatsapp", "detail": "", "can_retry": False}
    message = sent_from_here(conversation, "failed", failure, status="failed")
    client = client_for("agent")
    page = client.get(f"/conversas/{conversation.public_id}/").content.decode()
    assert url_of(message, "reenviar") in page
    assert 'class="c-bad row"' in page
    readers = client_for("viewer").get(f"/conversas/{conversation.public_id}/").content.decode()
    assert url_of(message, "reenviar") not in readers
    assert client.post(url_of(message, "reenviar"), **HTMX).status_code == 200
    assert Outgoing.objects.get().state == "queued"


@pytest.mark.parametrize(("answer", "state"), [("1", "sent"), ("0", "failed")])
def test_an_unknown_outcome_is_decided_by_a_person(client_for, conversation, answer, state):
    message = sent_from_here(conversation, "unknown", status="pending")
    client = client_for("agent")
    page = client.get(f"/conversas/{conversation.public_id}/").content.decode()
    assert url_of(message, "resolver") in page
    assert (
        client.post(url_of(message, "resolver"), {"was_sent": "talvez"}, **HTMX).status_code == 422
    )
    assert client.post(url_of(message, "resolver"), {"was_sent": answer}).status_code == 302
    assert Outgoing.objects.get().state == state


def test_what_waits_can_be_taken_back(client_for, conversation):
    message = sent_from_here(conversation, "queued", status="pending")
    assert client_for("agent").post(url_of(message, "cancelar"), **HTMX).status_code == 200
    assert Outgoing.objects.get().state == "cancelled"


def test_a_message_is_forwarded_to_a_conversation_found_by_name(client_for, conversation):
    message = make_message(conversation, text="endereço novo")
    other = make_conversation(conversation.connection, make_contact("Otávio Brandt"))
    client = client_for("agent")
    found = client.get(
        url_of(message, "encaminhar"), {"q": "otavio"}, **HTMX, HTTP_HX_TARGET="forward-rows"
    ).content.decode()
    assert "Otávio Brandt" in found
    assert "Marlene" not in found
    body = {"conversation": str(other.public_id)}
    assert client.post(url_of(message, "encaminhar"), body, **HTMX).status_code == 200
    sent = Message.objects.get(direction="outbound")
    assert (sent.conversation_id, sent.text) == (other.pk, "endereço novo")
    nowhere = client.post(
        url_of(message, "encaminhar"), {"conversation": str(uuid.uuid4())}, **HTMX
    )
    assert nowhere.status_code == 404


def test_nothing_is_forwarded_where_nobody_can_write(client_for, conversation):
    message = make_message(conversation)
    gone = make_connection(instance="velha")
    make_conversation(gone, make_contact("Raimunda"))
    Connection.objects.filter(pk=gone.pk).update(
        removed_at=timezone.now(), name=f"Velha ({gone.public_id.hex[-8:]})"
    )
    client = client_for("agent")
    assert "Raimunda" not in client.get(url_of(message, "encaminhar"), **HTMX).content.decode()
    inbox = client.get("/conversas/").content.decode()
    assert "Raimunda" in inbox
    assert gone.public_id.hex[-8:] not in re.sub(r'"[^"]*"', "", inbox)


def test_details_tell_times_and_every_attempt_without_script_too(client_for, conversation):
    message = sent_from_here(conversation, "sent")
    OutgoingAttempt.objects.create(
        outgoing=Outgoing.objects.get(),
        number=1,
        outcome="not_sent",
        code="connect_failed",
        detail="<b>refused</b>",
        http_status=502,
        milliseconds=41,
    )
    client = client_for("viewer")
    for headers in ({}, HTMX):
        html = client.get(url_of(message), **headers).content.decode()
        assert "connect_failed" in html
        assert "&lt;b&gt;refused" in html
        assert "41 ms" in html


def test_every_act_works_without_script_from_the_page_of_the_message(client_for, conversation):
    client = client_for("agent")
    message = ours(conversation, text="até as 18 h")
    html = client.get(url_of(message)).content.decode()
    for act in ("citar", "encaminhar", "editar", "apagar", "reagir"):
        assert f'="{url_of(message, act)}"' in html, act
    quoted = client.get(url_of(message, "citar"), follow=True).content.decode()
    assert f'name="quoted" value="{message.public_id}"' in quoted
    said = notices(client.post(url_of(message, "apagar"), follow=True))
    assert (Outgoing.objects.get().kind, 'data-level="info"' in said) == ("delete", True)
    Connection.objects.update(state="disconnected")
    refused = client.post(url_of(message, "reagir"), {"emoji": "👍"}, follow=True)
    assert 'data-level="bad"' in notices(refused)
    assert (
        url_of(message, "apagar") not in client_for("viewer").get(url_of(message)).content.decode()
    )


def test_our_own_reaction_is_marked_and_can_be_taken_back(client_for, conversation):
    message = make_message(conversation)
    Reaction.objects.create(message=message, emoji="❤️", reacted_at=timezone.now())
    html = menu(client_for("agent"), message)
    assert 'aria-pressed="true"' in html
    assert '{"emoji": ""}' in html.replace("&quot;", '"')
