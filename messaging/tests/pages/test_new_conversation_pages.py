"""Writing to a number for the first time: the number is asked, and the first message goes once."""

from dataclasses import dataclass

import pytest
from django.utils import timezone

from evosense.core.errors import Conflict
from evosense.core.schema import tenant_scope
from messaging.models import Connection, Conversation, Outgoing
from messaging.services import composing
from messaging.tests.factories import make_connection, make_contact, make_conversation, make_message

HTMX = {"HTTP_HX_REQUEST": "true"}
URL = "/conversas/nova/"
KEY = "7b0c1c56-6f0e-4a0c-9b3a-0d6d3a7f4c11"
pytestmark = pytest.mark.usefixtures("tenant")


@dataclass
class Answer:
    exists: bool
    jid: str = ""


@pytest.fixture
def connection(tenant):
    made = make_connection(name="Loja", server_url="https://evo.example.com")
    Connection.objects.update(state="connected")
    return made


@pytest.fixture
def asked(monkeypatch):
    """Stands for WhatsApp: numbers that end in 9999 are not there."""
    seen = []

    def check(line, numbers):
        seen.append((line.pk, *numbers))
        digits = "".join(one for one in numbers[0] if one.isdigit())
        return [Answer(not digits.endswith("9999"), f"55{digits[-11:]}@s.whatsapp.net")]

    monkeypatch.setattr(composing, "check_numbers", check)
    return seen


def body_of(line, to="41 99001-8447", text="Olá", **over):
    return {"connection": line.public_id, "to": to, "text": text, "key": KEY, **over}


def test_the_default_connection_is_chosen_before(client_for, connection):
    other = make_connection(name="Assistência", server_url="https://b.example.com")
    Connection.objects.update(is_default=False)
    Connection.objects.filter(pk=other.pk).update(state="connected", is_default=True)
    html = client_for("agent").get(URL).content.decode()
    assert html.index("Assistência</option>") < html.index("Loja</option>")


def test_without_a_number_that_can_send_the_page_says_why(client_for, connection):
    Connection.objects.update(state="banned")
    html = client_for("agent").get(URL).content.decode()
    assert "<select" not in html
    assert "/conexoes/" in html


def test_the_first_message_opens_the_conversation_once(client_for, connection, asked):
    client = client_for("agent")
    for _ in range(2):
        answer = client.post(URL, body_of(connection))
        assert answer.status_code == 303
    (conversation,) = Conversation.objects.all()
    assert answer["Location"] == f"/conversas/{conversation.public_id}/"
    assert Outgoing.objects.get().payload["text"] == "Olá"
    assert asked[0] == (connection.pk, "41 99001-8447")


def test_a_known_person_keeps_the_conversation(client_for, connection, asked):
    known = make_conversation(connection, make_contact("Ana", address="5541990018447"))
    client_for("agent").post(URL, body_of(connection))
    assert Outgoing.objects.get().conversation_id == known.pk


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"to": "41 99999-9999"}, "to"),
        ({"text": "  "}, "text"),
        ({"connection": "x"}, "connection"),
    ],
)
def test_refusals_stand_beside_their_field(client_for, connection, asked, over, field):
    answer = client_for("agent").post(URL, body_of(connection, **over), **HTMX)
    assert answer.status_code == 422
    assert f'id="id_{field}-error"' in answer.content.decode()
    assert not Outgoing.objects.exists()
    assert not Conversation.objects.exists()


def test_what_is_no_number_is_told_beside_it(client_for, connection):
    answer = client_for("agent").post(URL, body_of(connection, to="<b>casa"), **HTMX)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="id_to-error"' in html
    assert "<b>casa" not in html


def test_when_whatsapp_cannot_be_asked_nothing_is_sent(client_for, connection, monkeypatch):
    def check(_line, _numbers):
        raise Conflict("server_down", "o servidor não respondeu")

    monkeypatch.setattr(composing, "check_numbers", check)
    answer = client_for("agent").post(URL, body_of(connection), **HTMX)
    assert answer.status_code == 422
    assert "o servidor não respondeu" in answer.content.decode()
    assert not Outgoing.objects.exists()


def test_another_tenants_connection_cannot_send(client_for, connection, other_tenant, asked):
    with tenant_scope(other_tenant):
        theirs = make_connection()
    answer = client_for("agent").post(URL, body_of(theirs), **HTMX)
    assert answer.status_code in {404, 422}
    assert not Outgoing.objects.exists()


@pytest.mark.parametrize(("at_once", "told"), [(False, 1), (True, 0)])
def test_reading_here_is_told_unless_the_server_marks_everything(
    client_for, connection, at_once, told
):
    Connection.objects.update(settings={"read_messages": at_once})
    conversation = make_conversation(connection, unread_count=1)
    message = make_message(conversation, occurred_at=timezone.now())
    Conversation.objects.update(last_message_at=message.occurred_at)
    client_for("agent").post(f"/conversas/{conversation.public_id}/lida/", **HTMX)
    assert Outgoing.objects.filter(kind="read").count() == told
