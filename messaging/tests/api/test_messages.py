"""The message, exactly as the contract shows it, and the filters of the list."""

from datetime import timedelta

import pytest

from messaging.addresses import identity_hmac
from messaging.models import MessageMedia, Reaction
from messaging.tests.factories import (
    START,
    make_connection,
    make_contact,
    make_conversation,
    make_identity,
    make_message,
)


def found(api, **filters):
    answer = api().get("messages", **filters)
    assert answer.status_code == 200, answer.content
    return {row["text"] for row in answer.json()["results"]}


def test_message_has_every_key_of_the_contract(api):
    connection = make_connection(number="5511999990000")
    chat = make_conversation(connection, make_contact("Ana", address="5511900001234"))
    message = make_message(
        chat,
        provider_id="3EB0A",
        type="image",
        text="olha",
        occurred_at=START,
        received_at=START + timedelta(seconds=2),
        reply_to_provider_id="3EB0B",
        expires_in=86400,
        extra={"location": {"latitude": -23.5, "longitude": -46.6}},
    )
    MessageMedia.objects.create(message=message, kind="image", mime="image/jpeg", size=10, name="a")
    Reaction.objects.create(message=message, author=None, emoji="👍", reacted_at=START)
    Reaction.objects.create(message=message, author=chat.contact, emoji="❤️", reacted_at=START)
    jid = "5511900001234@s.whatsapp.net"
    assert api().get(f"messages/{message.public_id}").json() == {
        "id": str(message.public_id),
        "provider_id": "3EB0A",
        "connection": str(connection.public_id),
        "conversation": str(chat.public_id),
        "chat": {"jid": jid, "kind": "person"},
        "author": {"jid": jid, "name": "Ana", "is_self": False},
        "direction": "inbound",
        "source": "customer",
        "type": "image",
        "text": "olha",
        "status": "received",
        "failure": None,
        "occurred_at": "2025-11-15T12:00:00Z",
        "occurred_at_estimated": False,
        "received_at": "2025-11-15T12:00:02Z",
        "edited_at": None,
        "edited_text_unknown": False,
        "deleted_at": None,
        "reply_to": "3EB0B",
        "view_once": False,
        "expires_in": 86400,
        "reactions": [
            {"emoji": "👍", "author": "5511999990000@s.whatsapp.net"},
            {"emoji": "❤️", "author": jid},
        ],
        "media": {
            "status": "pending",
            "kind": "image",
            "mime": "image/jpeg",
            "size": 10,
            "name": "a",
            "transcript": None,
            "url": None,
            "thumb_url": None,
        },
        "sending": None,
        "location": {"latitude": -23.5, "longitude": -46.6},
        "contacts": None,
        "analysis": {
            "status": "none",
            "sentiment": None,
            "emotion": None,
            "satisfaction": None,
            "tone": None,
            "summary": None,
            "confidence": None,
            "model": None,
            "prompt_version": None,
        },
    }


def test_group_message_names_its_author(api):
    group = make_conversation(contact=make_contact("Equipe", kind="group", address="12036300001"))
    make_message(group, author=make_contact("Bia", address="5511900004321"))
    (row,) = api().get("messages").json()["results"]
    assert row["chat"] == {"jid": "12036300001@g.us", "kind": "group"}
    assert row["author"]["jid"] == "5511900004321@s.whatsapp.net"


def test_hidden_containers_are_nowhere(api):
    hidden = make_message(is_hidden=True)
    assert found(api) == set()
    assert api().get(f"messages/{hidden.public_id}").status_code == 404


@pytest.fixture
def talk(tenant):
    shop, office = make_connection(), make_connection()
    ana = make_conversation(shop, make_contact("Ana", address="5511900001234"))
    team = make_conversation(office, make_contact("Equipe", kind="group", address="12036300001"))
    bia = make_contact("Bia", address="5511900004321")
    make_identity(bia, "lid", "99887766554433")
    make_message(ana, text="boletos em aberto", provider_id="A1")
    make_message(ana, text="pago", direction="outbound", status="read", type="document")
    make_message(team, text="reunião às dez", author=bia)
    office.own_hmac = identity_hmac("pn", "5511999990000")
    office.save()
    make_message(team, text="ok", direction="outbound")
    return {"shop": shop.public_id, "team": team.public_id}


@pytest.mark.parametrize(
    ("filters", "texts"),
    [
        ({"provider_id": "A1"}, {"boletos em aberto"}),
        ({"direction": "outbound"}, {"pago", "ok"}),
        ({"type": "document"}, {"pago"}),
        ({"status": "read"}, {"pago"}),
        ({"text": "boleto aberto"}, {"boletos em aberto"}),
        ({"text": "reunião"}, {"reunião às dez"}),
        ({"chat": "5511900001234@s.whatsapp.net"}, {"boletos em aberto", "pago"}),
        ({"chat": "5511900001234"}, {"boletos em aberto", "pago"}),
        ({"chat": "12036300001@g.us"}, {"reunião às dez", "ok"}),
        ({"chat": "nobody@s.whatsapp.net"}, set()),
        ({"author": "5511900001234@s.whatsapp.net"}, {"boletos em aberto"}),
        ({"author": "99887766554433@lid"}, {"reunião às dez"}),
        ({"author": "5511999990000@s.whatsapp.net"}, {"ok"}),
        ({"author": "5511999999999@s.whatsapp.net"}, set()),
        ({"emotion": "gratidao"}, set()),
        ({"tone": "cordial"}, set()),
        ({"sentiment_min": "-1"}, set()),
        ({"satisfaction_max": "100"}, set()),
    ],
)
def test_filter_narrows(api, talk, filters, texts):
    assert found(api, **filters) == texts


def test_connection_and_conversation_narrow(api, talk):
    assert found(api, connection=str(talk["shop"])) == {"boletos em aberto", "pago"}
    assert found(api, conversation=str(talk["team"])) == {"reunião às dez", "ok"}
    rows = api().get(f"conversations/{talk['team']}/messages").json()["results"]
    assert {row["text"] for row in rows} == {"reunião às dez", "ok"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("connection", "1"),
        ("conversation", "x"),
        ("direction", "up"),
        ("type", "fax"),
        ("status", "gone"),
        ("since", "yesterday"),
        ("until", "2025-13-01"),
        ("sentiment_min", "-1.1"),
        ("sentiment_max", "nan"),
        ("satisfaction_min", "-1"),
        ("satisfaction_max", "101"),
        ("text", "a" * 501),
        ("text", "a\x00b"),
        ("chat", ""),
    ],
)
def test_bad_value_is_refused_by_name(api, name, value):
    answer = api().get("messages", **{name: value})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == name


def test_range_of_scores_must_run_upward(api):
    answer = api().get("messages", satisfaction_min="80", satisfaction_max="20")
    assert answer.json()["errors"][0]["field"] == "satisfaction_min"
