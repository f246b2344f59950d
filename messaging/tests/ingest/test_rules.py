"""Rules of the reference that no fixture of ours shows: authorship, failure, same ids, flags."""

import itertools

import pytest

from messaging.models import (
    Connection,
    Conversation,
    ConversationLabel,
    Message,
    ParkedEffect,
    PollVote,
    Reaction,
)
from messaging.tests.ingest.rig import INSTANCE, OWN, canonical, deliver, make_lines, work

CHAT, OTHER = "5511900001234@s.whatsapp.net", "5511900006666@s.whatsapp.net"
GROUP = "120363041234567890@g.us"
CHANGED = {"editedMessage": {"message": {"conversation": "depois"}}}


@pytest.fixture
def line(tenant):
    return make_lines()[INSTANCE]


def event(name, data):
    return {
        "event": name,
        "instance": INSTANCE,
        "data": data,
        "sender": f"{OWN}@s.whatsapp.net",
    }


def message(ident="M", *, chat=CHAT, mine=False, text="antes", at=0, **over):
    key = {"remoteJid": chat, "fromMe": mine, "id": ident}
    key |= {name: over.pop(name) for name in ("participant",) if name in over}
    body = {"conversation": text}
    data = {"key": key, "message": body, "messageTimestamp": 1763200000 + at, **over}
    return event("messages.upsert", data)


def edit(ident="M", *, chat, mine, text="depois", at=60):
    data = {
        "key": {"remoteJid": chat, "fromMe": mine, "id": ident},
        "type": "MESSAGE_EDIT",
        "editedMessage": {"conversation": text},
        "timestampMs": str((1763200000 + at) * 1000),
    }
    return event("messages.edited", data)


def update(ident="M", *, mine=True, chat=CHAT, **fields):
    return event("messages.update", {"keyId": ident, "remoteJid": chat, "fromMe": mine, **fields})


def tell(line, *bodies):
    for body in bodies:
        deliver(line, body)
        work()
    return Message.objects.filter(provider_id="M").first()


@pytest.mark.parametrize(
    ("mine", "chat", "by_us", "changes"),
    [
        (False, f"{OWN}@s.whatsapp.net", True, True),
        (False, "201948837465920@lid", True, True),
        (False, CHAT, False, True),
        (False, CHAT, True, False),
        (True, CHAT, True, True),
        (True, f"{OWN}@s.whatsapp.net", True, False),
        (True, CHAT, False, False),
    ],
)
def test_only_the_author_edits(line, mine, chat, by_us, changes):
    """Fixture 181 of the reference: a contact may not edit what we sent, nor we what they sent."""
    found = tell(line, message(mine=mine), edit(chat=chat, mine=by_us))
    assert found.text == ("depois" if changes else "antes")


@pytest.mark.parametrize("mine", [True, False])
def test_update_with_content_names_the_real_editor(line, mine):
    found = tell(line, message(), update(mine=mine, message=CHANGED))
    assert found.text == ("antes" if mine else "depois")


@pytest.mark.parametrize(
    ("participant", "changes"),
    [
        (CHAT, True),
        (CHAT.replace("@", ":7@"), True),
        (OTHER, False),
        ("77001122334455@lid", False),
        # Up to 2.3.4 it repeats the chat, which says nothing of the editor.
        (GROUP, True),
    ],
)
def test_update_in_a_group_names_the_member_who_edits(line, participant, changes):
    change = update(mine=False, chat=GROUP, participant=participant, message=CHANGED)
    found = tell(line, message(chat=GROUP, participant=CHAT), change)
    assert found.text == ("depois" if changes else "antes")
    assert list(ParkedEffect.objects.values_list("kind", flat=True)) == ["edit"] * (not changes)


def test_the_lid_of_a_member_edits_what_the_phone_wrote(line):
    lid = "77001122334455@lid"
    written = message(chat=GROUP, participant=CHAT)
    written["data"]["key"]["participantAlt"] = lid
    change = update(mine=False, chat=GROUP, participant=lid, message=CHANGED)
    assert tell(line, written, change).text == "depois"


def test_an_edit_waits_for_the_message_of_its_own_author(line):
    theirs = update(mine=False, chat=GROUP, participant=OTHER, message=CHANGED)
    found = tell(line, theirs, message(chat=GROUP, participant=CHAT))
    assert (found.text, ParkedEffect.objects.count()) == ("antes", 1)
    tell(line, message(chat=GROUP, participant=OTHER))
    assert sorted(Message.objects.values_list("text", flat=True)) == ["antes", "depois"]
    assert not ParkedEffect.objects.exists()


def test_we_edit_our_own_message_in_a_group(line):
    own = f"{OWN}@s.whatsapp.net"
    change = update(mine=True, chat=GROUP, participant=own, message=CHANGED)
    assert tell(line, message(mine=True, chat=GROUP), change).text == "depois"


@pytest.mark.parametrize(
    ("chat", "mine"),
    [(GROUP, False), (OTHER, False), (GROUP, True), (f"{OWN}@s.whatsapp.net", True)],
)
def test_a_key_that_names_no_member_edits_no_members_message(line, chat, mine):
    found = tell(line, message(chat=GROUP, participant=CHAT), edit(chat=chat, mine=mine))
    assert (found.text, ParkedEffect.objects.get().kind) == ("antes", "edit")


@pytest.mark.parametrize("chat", [GROUP, OTHER])
def test_a_member_who_writes_our_key_edits_nothing_of_ours(line, chat):
    found = tell(line, message(mine=True, chat=GROUP), edit(chat=chat, mine=True))
    assert (found.text, ParkedEffect.objects.get().kind) == ("antes", "edit")


def test_both_reports_of_one_edit_are_one_version(line):
    twins = [update(mine=False, message=CHANGED), edit(chat=CHAT, mine=False)]
    states = []
    for order in itertools.permutations(twins):
        ident = f"M{len(states)}"
        bodies = [message(ident)]
        for body in order:
            data = body["data"] | ({"keyId": ident} if "keyId" in body["data"] else {})
            if "key" in data:
                data["key"] = data["key"] | {"id": ident}
            bodies.append(body | {"data": data})
        tell(line, *bodies)
        found = Message.objects.get(provider_id=ident)
        states.append((found.text, found.edited_at, found.versions.count()))
    assert states[0] == states[1]
    assert states[0][2] == 1


def test_revoke_of_a_protocol_message_deletes_and_keeps_the_text(line):
    revoke = {
        "key": {"remoteJid": f"{OWN}@s.whatsapp.net", "fromMe": True, "id": "M"},
        "type": 0,
    }
    found = tell(line, message(), event("messages.edited", revoke))
    assert found.deleted_at
    assert found.text == "antes"
    assert found.conversation.preview_type == "deleted"


def test_missing_type_deletes_nothing(line):
    quiet = {"key": {"remoteJid": CHAT, "fromMe": False, "id": "M"}}
    assert tell(line, message(), event("messages.edited", quiet)).deleted_at is None


@pytest.mark.parametrize(
    ("mine", "by_us", "deleted"), [(False, False, True), (False, True, False), (True, False, False)]
)
def test_only_the_author_deletes_in_a_private_chat(line, mine, by_us, deleted):
    key = {"remoteJid": CHAT, "fromMe": by_us, "id": "M"}
    found = tell(line, message(mine=mine), event("messages.delete", key))
    assert bool(found.deleted_at) == deleted


def test_admin_deletes_in_a_group(line):
    key = {"remoteJid": GROUP, "fromMe": False, "id": "M", "participant": OTHER}
    found = tell(line, message(chat=GROUP, participant=CHAT), event("messages.delete", key))
    assert found.deleted_at


@pytest.mark.parametrize("order", list(itertools.permutations(["ERROR", "SERVER_ACK", "PENDING"])))
def test_failure_covers_sent(line, order):
    found = tell(line, message(mine=True, status="PENDING"), *(update(status=one) for one in order))
    assert found.status == "failed"


@pytest.mark.parametrize("order", list(itertools.permutations(["ERROR", "DELIVERY_ACK", 2])))
def test_receipt_covers_failure(line, order):
    found = tell(line, message(mine=True, status="PENDING"), *(update(status=one) for one in order))
    assert found.status == "delivered"


def test_update_in_lid_form_or_without_domain_finds_by_id(line):
    assert tell(line, message(mine=True), update(chat="99@lid", status="READ")).status == "read"
    assert tell(line, update(chat="5511900001234", status="PLAYED")).status == "played"


def test_cloud_receipt_ignores_the_flag(line):
    tell(line, message("wamid.A", mine=True), update("wamid.A", mine=False, status="READ"))
    assert Message.objects.get().status == "read"


def test_copied_id_of_ours_is_another_message(line):
    """Fixture 261 of the reference."""
    tell(line, message(mine=True), message(text="cópia"), update(status="READ"))
    statuses = dict(Message.objects.values_list("direction", "status"))
    assert statuses == {"outbound": "read", "inbound": "received"}


def test_same_id_of_two_members_is_two_messages(line):
    one = message(chat=GROUP, participant=CHAT)
    tell(line, one, message(chat=GROUP, participant=OTHER), one)
    assert Message.objects.count() == 2
    assert Conversation.objects.get().unread_count == 2


def test_content_that_comes_late_replaces_the_placeholder(line):
    stub = message()
    stub["data"]["message"] = None
    found = tell(line, stub, stub)
    assert (found.is_placeholder, found.type) == (True, "unsupported")
    found = tell(line, message(text="agora sim"), stub)
    assert (found.is_placeholder, found.type, found.text) == (False, "text", "agora sim")
    assert (found.conversation.preview, found.conversation.unread_count) == ("agora sim", 1)


def test_live_copy_of_an_imported_message_is_unread(line):
    imported = message() | {"event": "messages.set"}
    found = tell(line, imported)
    assert (found.is_history, found.conversation.unread_count) == (True, 0)
    found = tell(line, message(), imported)
    assert (found.is_history, found.conversation.unread_count) == (False, 1)


def test_late_message_keeps_its_place(line):
    found = tell(line, message("NEW", at=100, text="novo"), message(at=-9000, text="velho"))
    chat = found.conversation
    assert (chat.preview, chat.unread_count) == ("novo", 2)


def test_every_order_of_status_edit_delete_and_message(line):
    steps = [
        message(mine=True),
        update(status="READ"),
        edit(chat=CHAT, mine=True),
        event("messages.delete", {"remoteJid": CHAT, "fromMe": True, "id": "M"}),
    ]
    states = set()
    for number, order in enumerate(itertools.permutations(steps)):
        ident = f"M{number}"
        tell(line, *(_renamed(body, ident) for body in order))
        one = Message.objects.get(provider_id=ident)
        states.add((one.text, one.status, bool(one.deleted_at), one.versions.count()))
    assert states == {("depois", "read", True, 1)}
    assert not ParkedEffect.objects.exists()


def _renamed(body, ident):
    data = dict(body["data"])
    for name in ("id", "keyId"):
        if name in data:
            data[name] = ident
    if "key" in data:
        data["key"] = data["key"] | {"id": ident}
    return body | {"data": data}


def test_votes_by_name_the_last_one_holds(line):
    poll = message(chat=GROUP, participant=CHAT)
    poll["data"]["message"] = {
        "pollCreationMessageV3": {
            "name": "Quando?",
            "options": [{"optionName": "A"}, {"optionName": "B"}],
        }
    }
    votes = []
    for at, names in ((20, ["B"]), (10, ["A"])):
        vote = message(f"V{at}", chat=GROUP, participant=OTHER)
        vote["data"]["message"] = {
            "pollUpdateMessage": {
                "pollCreationMessageKey": {"id": "M"},
                "vote": {"selectedOptions": names},
                "senderTimestampMs": (1763200000 + at) * 1000,
            }
        }
        votes.append(vote)
    tell(line, *votes, poll)
    assert PollVote.objects.get().options == ["B"]


def test_reaction_of_a_member_belongs_to_the_member(line):
    body = message("R", chat=GROUP, participant=OTHER)
    body["data"]["message"] = {"reactionMessage": {"key": {"id": "M"}, "text": "🎉"}}
    tell(line, body, message(chat=GROUP, participant=CHAT))
    reaction = Reaction.objects.get()
    assert reaction.emoji == "🎉"
    assert reaction.author_id not in (None, Message.objects.get().author_id)


def test_label_before_its_conversation_waits(line):
    data = {"type": "add", "chatId": CHAT, "labelId": "7"}
    tell(line, event("labels.association", data), message())
    assert ConversationLabel.objects.get().label.provider_id == "7"
    tell(line, event("labels.association", data | {"type": "remove"}))
    assert not ConversationLabel.objects.exists()


def test_attribution_is_that_of_the_first_message(line):
    def ad(ident, at):
        reply = {"sourceType": "ad", "sourceId": ident}
        return message(ident, at=at, contextInfo={"externalAdReply": reply})

    tell(line, ad("second", 50), ad("first", 5), ad("third", 90))
    assert Conversation.objects.get().attribution["sourceId"] == "first"


def test_view_once_and_forwarded_flags(line):
    body = message()
    body["data"]["message"] = {
        "viewOnceMessageV2": {
            "message": {
                "imageMessage": {
                    "mimetype": "image/jpeg",
                    "contextInfo": {"isForwarded": True, "forwardingScore": 3},
                }
            }
        }
    }
    found = tell(line, body)
    assert (found.type, found.view_once, found.is_forwarded) == ("image", True, True)
    assert found.media.status == "pending"


def test_encrypted_edit_marks_the_text_as_unknown(line):
    secret = message("E")
    secret["data"]["message"] = {"secretEncryptedMessage": {"targetMessageKey": {"id": "M"}}}
    found = tell(line, secret, message())
    assert found.edited_text_unknown
    assert Message.objects.count() == 1


def test_other_peoples_addresses_stand_nowhere_in_clear(line):
    body = message(contextInfo={"stanzaId": "Q", "participant": OTHER, "mentionedJid": [OTHER]})
    found = tell(line, body)
    assert OTHER.split("@", maxsplit=1)[0] not in repr((found.quote, found.extra))
    assert len(bytes(found.sender)) == 32


def test_repeating_everything_changes_nothing(line):
    bodies = [message(), edit(chat=CHAT, mine=False), update("X", status="READ")]
    tell(line, *bodies)
    before = canonical()
    tell(line, *bodies, *bodies)
    assert canonical() == before


def test_a_message_cannot_name_another_line_than_its_conversation(line):
    from django.db import IntegrityError, connection

    tell(line, message())
    other = Connection.objects.exclude(public_id=line).get()
    Message.objects.update(connection=other)
    with pytest.raises(IntegrityError, match="messaging_message_line"):
        connection.check_constraints()
