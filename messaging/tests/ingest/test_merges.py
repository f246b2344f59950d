import pytest

from evosense.core.errors import Conflict, NotFound
from evosense.core.models import OutboxEvent
from messaging.models import Contact, ContactMerge, Conversation, Identity, Message, Reaction
from messaging.services.merges import merge_contacts, undo_merge
from messaging.tests.ingest.rig import INSTANCE, canonical, deliver, jids, make_lines, work

LID, PHONE = "70231188904455@lid", "5521900005678@s.whatsapp.net"
GROUP = "120363041234567890@g.us"


@pytest.fixture
def line(tenant):
    return make_lines()[INSTANCE]


@pytest.fixture(scope="module")
def remembered():
    return {}


def message(ident, jid, text, at, **key):
    data = {
        "key": {"remoteJid": jid, "fromMe": False, "id": ident, **key},
        "message": {"conversation": text},
        "messageTimestamp": 1763200000 + at,
    }
    return {"event": "messages.upsert", "instance": INSTANCE, "data": data}


def reaction(target, jid, emoji, at):
    body = message(f"R{at}", jid, "", at)
    body["data"]["message"] = {
        "reactionMessage": {"key": {"id": target}, "text": emoji, "senderTimestampMs": at * 1000}
    }
    return body


def pair():
    who = {"id": LID, "phoneNumber": PHONE}
    data = [{"id": GROUP, "subject": "Grupo", "participants": [who]}]
    return {"event": "groups.upsert", "instance": INSTANCE, "data": data}


def told(line):
    """One person under two addresses, in a chat each, and in a group under both."""
    return [
        message("A1", LID, "oi pelo lid", 1),
        message("A2", PHONE, "oi pelo telefone", 2),
        message("BOTH", LID, "duas vezes", 3),
        message("BOTH", PHONE, "duas vezes", 3),
        message("G1", GROUP, "no grupo", 4, participant=LID),
        message("G2", GROUP, "no grupo de novo", 5, participant=PHONE),
        message("G3", GROUP, "igual", 6, participant=LID),
        message("G3", GROUP, "igual", 6, participant=PHONE),
        reaction("A1", LID, "👍", 7),
        {
            "event": "contacts.update",
            "instance": INSTANCE,
            "data": {"remoteJid": LID, "pushName": "João"},
        },
    ]


@pytest.mark.parametrize("place", [0, 3, 6, 10])
def test_late_pair_leads_to_the_same_state(line, place, remembered):
    bodies = told(line)
    bodies.insert(place, pair())
    for body in bodies:
        deliver(line, body)
        work()
    state = canonical()
    assert len(state["contacts"]) == 2
    assert len(state["messages"]) == 6
    assert len([chat for chat in state["chats"] if chat[1] == "person"]) == 1
    assert state == remembered.setdefault("state", state)


def apart(line):
    for body in told(line):
        deliver(line, body)
    work()
    lid, phone = (Identity.objects.get(kind=kind).contact_id for kind in ("lid", "pn"))
    return phone, lid


def test_merge_is_logged_and_told(line):
    phone, lid = apart(line)
    deliver(line, pair())
    work()
    merge = ContactMerge.objects.get()
    assert (merge.winner_id, merge.loser_id, merge.reason) == (phone, lid, "alias")
    assert Contact.objects.get(pk=lid).merged_into_id == phone
    news = OutboxEvent.objects.get(topic="messaging.contacts_merged")
    assert news.payload == {"contact_ids": sorted([phone, lid]), "merge_ids": [merge.pk]}


def test_undo_takes_them_apart_again_and_no_event_joins_them(line):
    phone, lid = apart(line)
    chat = Conversation.objects.get(contact_id=lid)
    before = set(chat.messages.values_list("provider_id", flat=True))
    merge = merge_contacts(winner_id=phone, loser_id=lid, actor_user_id=7)
    assert not Conversation.objects.get(pk=chat.pk).is_live
    undo_merge(merge, actor_user_id=8)
    assert jids(lid) == ["lid|70231188904455"]
    assert jids(phone) == ["pn|5521900005678"]
    chat.refresh_from_db()
    assert (chat.is_live, chat.unread_count, chat.preview) == (True, 1, "oi pelo lid")
    assert set(chat.messages.values_list("provider_id", flat=True)) == before - {"BOTH"}
    assert Message.objects.get(provider_id="G1").author_id == lid
    assert Reaction.objects.get().author_id == lid
    deliver(line, pair())
    work()
    assert Contact.objects.filter(merged_into=None, kind="person").count() == 2
    with pytest.raises(Conflict):
        undo_merge(merge)


def test_merge_refuses_what_cannot_be_one(line):
    phone, _ = apart(line)
    group = Contact.objects.get(kind="group").pk
    with pytest.raises(Conflict):
        merge_contacts(winner_id=phone, loser_id=group)
    with pytest.raises(NotFound):
        merge_contacts(winner_id=phone, loser_id=phone)
    with pytest.raises(NotFound):
        undo_merge(99)


def test_two_forms_of_one_brazilian_number_stay_two_people_until_told(line):
    deliver(line, message("A", "557180001234@s.whatsapp.net", "doze", 1))
    deliver(line, message("B", "5571980001234@s.whatsapp.net", "treze", 2))
    work()
    assert Conversation.objects.count() == 2
    assert len(set(Identity.objects.values_list("br_hmac", flat=True))) == 1
    for jid in ("557180001234@s.whatsapp.net", "5571980001234@s.whatsapp.net"):
        key = {"remoteJidAlt": "155566677788899@lid"}
        deliver(line, message(f"C{jid}", jid, "o mesmo lid", 3, **key))
    work()
    assert Conversation.objects.filter(is_live=True).count() == 1
