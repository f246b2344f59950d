"""Acts on messages, forwarding, status posts, read marks, and what people decide."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.ids import uuid7
from messaging.models import Conversation, Message, MessageMedia, Outgoing
from messaging.services import sending
from messaging.services.sending import SendRequest, send_message
from messaging.tests import factories
from messaging.tests.sending.things import KNOWN, make_line, make_server, say
from tenancy.models import AuditEntry


@pytest.fixture
def conversation(tenant):
    return factories.make_conversation(make_line())


def ours(conversation, **over):
    fields = {"direction": "outbound", "occurred_at": timezone.now(), **over}
    return factories.make_message(conversation, **fields)


def test_a_reaction_is_about_its_message(conversation):
    message = factories.make_message(conversation)

    row = sending.react(message.public_id, "👍")

    assert (row.kind, row.target_id, row.message_id) == ("reaction", message.pk, None)
    assert row.conversation_id == conversation.pk


def test_words_are_no_reaction(conversation):
    with pytest.raises(Invalid):
        sending.react(factories.make_message(conversation).public_id, "ok")


def test_a_message_is_deleted_once(conversation):
    message = ours(conversation, status="sent")
    first = sending.delete_message(message.public_id)

    for again in (sending.delete_message, lambda found: sending.edit_message(found, "outro")):
        with pytest.raises(Conflict) as raised:
            again(message.public_id)
        assert raised.value.code == "being_deleted"

    Outgoing.objects.filter(pk=first.pk).update(state="failed", finished_at=timezone.now())
    assert sending.delete_message(message.public_id).pk != first.pk


def test_an_edit_needs_a_young_message_of_ours(conversation):
    assert sending.edit_message(ours(conversation).public_id, "novo").payload == {"text": "novo"}
    old = ours(conversation, occurred_at=timezone.now() - timedelta(minutes=16))
    for message, code in [
        (old, "too_late"),
        (factories.make_message(conversation), "not_ours"),
        (ours(conversation, deleted_at=timezone.now()), "deleted"),
        (ours(conversation, status="failed"), "not_sent"),
        (ours(conversation, type="poll"), "cannot_edit"),
    ]:
        with pytest.raises(Conflict) as raised:
            sending.edit_message(message.public_id, "novo")
        assert raised.value.code == code


def test_what_has_not_left_cannot_be_changed(tenant):
    message = say(make_line())

    with pytest.raises(Conflict) as raised:
        sending.delete_message(message.public_id)

    assert raised.value.code == "not_sent_yet"


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_an_id_of_our_own_choice_does_not_mean_that_it_left(tenant, status):
    line = make_line(make_server(version="2.4.0"))
    message = say(line)
    Message.objects.update(status=status)
    code = "not_sent_yet" if status == "pending" else "not_sent"

    for act in (
        lambda: sending.delete_message(message.public_id),
        lambda: sending.edit_message(message.public_id, "novo"),
        lambda: sending.react(message.public_id, "👍"),
        lambda: say(line, reply_to=message.public_id),
    ):
        with pytest.raises(Conflict) as raised:
            act()
        assert raised.value.code == code
    assert Outgoing.objects.count() == 1


def test_nobodys_message_is_not_found(tenant):
    with pytest.raises(NotFound):
        sending.react(uuid7(), "👍")


def test_a_text_is_forwarded_as_such(conversation):
    message = factories.make_message(conversation, text="Veja")

    copy = sending.forward_message(message.public_id, to=KNOWN)

    assert (copy.text, copy.is_forwarded) == ("Veja", True)
    assert copy.connection_id == conversation.connection_id
    assert Outgoing.objects.get().payload["forwarded"] is True


def test_a_stored_file_is_forwarded_without_another_copy(conversation):
    message = factories.make_message(conversation, type="image", text="Foto")
    MessageMedia.objects.create(
        message=message, status="stored", kind="image", storage_key="media/a", mime="image/jpeg"
    )

    copy = sending.forward_message(message.public_id, to=KNOWN)

    assert copy.media.storage_key == "media/a"
    assert Outgoing.objects.get().payload["caption"] == "Foto"


def test_what_is_not_stored_cannot_be_forwarded(conversation):
    message = factories.make_message(conversation, type="image")
    MessageMedia.objects.create(message=message, status="pending", kind="image")

    with pytest.raises(Conflict):
        sending.forward_message(message.public_id, to=KNOWN)


def test_a_file_of_nobody_is_refused(tenant):
    request = SendRequest("image", {"media": {"key": "media/x"}}, make_line().public_id, to=KNOWN)

    with pytest.raises(Invalid) as raised:
        send_message(request)

    assert raised.value.code == "file_not_found"
    assert not Message.objects.exists()


def test_reading_is_told_once(conversation):
    first = factories.make_message(conversation)

    row = sending.mark_read(conversation.public_id)

    assert row.payload["provider_ids"] == [first.provider_id]
    assert sending.mark_read(conversation.public_id) is None
    factories.make_message(conversation)
    assert sending.mark_read(conversation.public_id) is not None


def test_every_message_gets_its_mark_however_many_and_however_late(conversation):
    now = timezone.now()
    many = [factories.make_message(conversation, occurred_at=now) for _ in range(65)]

    sending.mark_read(conversation.public_id)
    late = [
        factories.make_message(conversation, occurred_at=at)
        for at in (now, now - timedelta(hours=5))
    ]
    sending.mark_read(conversation.public_id)

    marks = list(Outgoing.objects.order_by("pk").values_list("payload", flat=True))
    assert [len(mark["provider_ids"]) for mark in marks] == [30, 30, 5, 2]
    told = [one for mark in marks for one in mark["provider_ids"]]
    assert told == [message.provider_id for message in [*many, *late]]


def test_reading_never_fails_because_a_number_is_down(tenant):
    conversation = factories.make_conversation(make_line(state="disconnected"))
    factories.make_message(conversation)

    assert sending.mark_read(conversation.public_id) is None


def test_a_status_post_belongs_to_no_conversation(tenant):
    line = make_line()

    row = sending.post_status({"type": "text", "text": "Novidades"}, connection=line.public_id)

    assert (row.conversation_id, row.message_id) == (None, None)
    assert row.payload["audience"] == "all"


def test_a_kind_that_a_server_cannot_send_is_refused_before(tenant):
    line = make_line(make_server(version="2.3.7"))
    payload = {"name": "aviso", "language": "pt_BR"}

    with pytest.raises(Conflict) as raised:
        send_message(SendRequest("template", payload, line.public_id, to=KNOWN))

    assert raised.value.code == "kind_unsupported"


@pytest.mark.parametrize(
    ("kind", "payload", "shown"),
    [
        (
            "location",
            {"latitude": -23.5, "longitude": -46.6, "name": "Loja"},
            "Loja",
        ),
        ("contact", {"contacts": [{"name": "Ana", "phone": "+55 11 98888-7777"}]}, "Ana"),
        (
            "list",
            {
                "title": "Menu",
                "text": "Escolha",
                "button": "Ver",
                "sections": [{"title": "A", "rows": [{"id": "1", "title": "Um"}]}],
            },
            "Escolha",
        ),
        (
            "buttons",
            {
                "title": "Oi",
                "text": "Sim?",
                "buttons": [{"type": "reply", "text": "Sim", "id": "s"}],
            },
            "Sim?",
        ),
    ],
)
def test_every_kind_is_shown_by_its_words(tenant, kind, payload, shown):
    assert send_message(SendRequest(kind, payload, make_line().public_id, to=KNOWN)).text == shown


ROW = {"id": "1", "title": "Um"}


def card(**over):
    return {"name": "Ana", "phone": "+55 11 98888-7777", **over}


def menu(**over):
    return {"title": "Oi", "text": "Sim?", **over}


@pytest.mark.parametrize(
    ("kind", "payload", "field"),
    [
        ("location", {"latitude": 91, "longitude": 0}, "latitude"),
        ("contact", {"contacts": []}, "contacts"),
        ("contact", {"contacts": [{"name": "Ana", "phone": "x"}]}, "contacts"),
        ("contact", {"contacts": [card(name="A\nTEL:123")]}, "name"),
        ("contact", {"contacts": [card(organization="A\u2028TEL:123")]}, "organization"),
        ("contact", {"contacts": [card(url="javascript:alert(1)")]}, "url"),
        ("buttons", menu(buttons=[{"type": "url", "text": "x", "url": "javascript:x"}]), "url"),
        ("list", menu(button="Ver", sections=[{"title": "A", "rows": [ROW, ROW]}]), "id"),
        ("text", {"text": "t", "mention_everyone": True}, "mention_everyone"),
        ("poll", {"name": "Cor?", "options": ["a"]}, "options"),
        ("poll", {"name": "Cor?", "options": ["a", "a"]}, "options"),
        ("poll", {"name": "Cor?", "options": ["a", "b"], "selectable": 3}, "selectable"),
        ("buttons", {"title": "t", "text": "t", "buttons": [{"type": "x"}]}, "buttons"),
        ("image", {}, "media"),
        ("text", {"text": "t", "typing_ms": 9_999}, "typing_ms"),
        ("text", {"text": "t", "mentions": ["5511900000009@s.whatsapp.net"]}, "mentions"),
        ("dance", {}, "kind"),
    ],
)
def test_a_wrong_payload_names_its_field(tenant, kind, payload, field):
    with pytest.raises(Invalid) as raised:
        send_message(SendRequest(kind, payload, make_line().public_id, to=KNOWN))

    assert raised.value.field == field


def test_a_cancelled_one_says_so(tenant):
    message = say(make_line())

    sending.cancel(message.public_id)

    message.refresh_from_db()
    assert Outgoing.objects.get().state == "cancelled"
    assert (message.status, message.failure["code"]) == ("failed", "cancelled")
    assert Conversation.objects.get().preview_status == "failed"
    with pytest.raises(Conflict):
        sending.cancel(message.public_id)


def test_only_what_failed_is_retried(tenant):
    message = say(make_line())
    with pytest.raises(Conflict):
        sending.retry(message.public_id)
    Outgoing.objects.update(state="failed", failure={"code": "x"})
    Message.objects.update(status="failed", failure={"code": "x"})

    sending.retry(message.public_id)

    message.refresh_from_db()
    assert Outgoing.objects.get().state == "queued"
    assert (message.status, message.failure) == ("pending", None)


def test_what_did_arrive_is_not_sent_again(tenant):
    message = say(make_line())
    Outgoing.objects.update(state="dead")
    Message.objects.update(status="delivered")

    with pytest.raises(Conflict) as raised:
        sending.retry(message.public_id)

    assert raised.value.code == "already_sent"


def test_a_decision_about_a_doubt_is_on_record(tenant):
    message = say(make_line())
    Outgoing.objects.update(state="unknown")

    sending.resolve(message.public_id, was_sent=True)

    entry = AuditEntry.objects.get(action="message.resolved")
    assert entry.changes == {"state": ["unknown", "sent"]}


def test_a_merge_of_people_takes_what_waits_along(tenant):
    from messaging.services.merges import merge_contacts

    line = make_line()
    message = say(line, to="5511977776666")
    other = say(line, to="5511966665555")

    merge_contacts(
        winner_id=message.conversation.contact_id, loser_id=other.conversation.contact_id
    )

    conversations = set(Outgoing.objects.values_list("conversation_id", flat=True))
    assert conversations == {message.conversation_id}
