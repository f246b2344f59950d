"""Every fixture against its row of the manifest, each in a tenant of its own."""

import re
from datetime import UTC, datetime

import pytest

from messaging.models import (
    Call,
    Connection,
    Contact,
    Conversation,
    Label,
    Message,
    ParkedEffect,
    Reaction,
)
from messaging.tests.ingest.rig import (
    MANIFEST,
    deliver_fixture,
    jids,
    make_lines,
    outcome,
    received_at,
    work,
)

ROWS = {row["file"]: row for row in MANIFEST}
_DOMAIN = {"pn": "s.whatsapp.net", "lid": "lid", "group": "g.us"}
# Columns that name no stored value.
PLACEHOLDERS = {"-": "", "(empty)": "", "(rendered text from your own template copy)": None}
STATES = {
    "qr_pending": "qr_pending",
    "qr_expired": "disconnected",
    "connecting": "connecting",
    "open": "connected",
    "logged_out": "logged_out",
    "banned_or_forbidden": "banned",
}
SINGLE = [
    name
    for name, row in ROWS.items()
    if row["expect"]["store"].startswith(("message", "separate message"))
    and not re.search(r"\d", row["expect"]["store"][:2])
]
ALONE = {"021": "020", "147": "146"}


def stored(name):
    """Deliver a fixture alone, with what its LIDs need to be known."""
    lines = make_lines()
    deliver_fixture(lines, "223-groups-upsert.json")
    event = deliver_fixture(lines, name)
    work()
    return event


def addresses(contact_id):
    found = [one.split("|") for one in jids(contact_id)]
    return {f"{user}@{_DOMAIN[kind]}" for kind, user in found}


@pytest.mark.parametrize("name", [name for name in SINGLE if "batch" not in name])
def test_message_is_stored_as_its_row_says(tenant, name):
    expect = ROWS[name]["expect"]
    if name.startswith("260"):
        pytest.skip("a note to self")
    event = stored(name)
    assert outcome(event)[0] == 1
    message = Message.objects.get(is_hidden=False)
    assert message.direction == {"in": "inbound", "out": "outbound"}[expect["direction"]]
    assert message.type == expect["type"].split(" ")[0]
    status = expect["status"].split(" ")[0]
    assert message.status == ("pending" if name.startswith("147") else status)
    text = PLACEHOLDERS.get(expect["text"], expect["text"])
    if name.startswith("254"):
        assert len(message.text) > 65_000
    elif text is not None and not text.startswith("(placeholder"):
        assert message.text == text
    assert expect["chat"] in addresses(message.conversation.contact_id)
    writer = message.author_id or message.conversation.contact_id
    if message.direction == "inbound":
        assert expect["sender"] in addresses(writer)
    _check_time(message, expect["timestamp"], name)
    _check_flags(message, expect, name)


def _check_time(message, stamp, name):
    if stamp.startswith("receive"):
        assert message.occurred_at_estimated
        assert message.occurred_at == received_at(name)
    else:
        assert message.occurred_at == datetime.fromisoformat(stamp).astimezone(UTC)


def _check_flags(message, expect, name):
    chat = message.conversation
    unread = int(message.direction == "inbound")
    assert (chat.unread_count, chat.last_message_id) == (unread, message.pk)
    assert hasattr(message, "media") == ("media" in expect["store"])
    if "lead attribution" in expect["store"]:
        assert chat.attribution["sourceId"] == "120210000000000001"
    if "disappearing" in expect["store"]:
        assert message.expires_in == 86_400
    assert "Você" not in {contact.name for contact in Contact.objects.all()}


@pytest.mark.parametrize(
    "name", [name for name, row in ROWS.items() if row["expect"]["type"] in ("qr", "connection")]
)
def test_connection_follows(tenant, name):
    event = stored(name)
    assert outcome(event)[0] == 1
    line = Connection.objects.get(instance="evs-t42-clinica-sorriso")
    assert line.state == STATES[ROWS[name]["expect"]["status"]]
    assert line.quarantined_at is None


@pytest.mark.parametrize(
    ("names", "seen"),
    [
        (["015-error-webhook.json"], (1, "")),
        (["014-application-startup-synthetic.json"], (1, "")),
        (["250-unknown-event.json"], (2, "unknown")),
        (["107-newsletter.json"], (1, "")),
        (["215-presence-composing.json"], (1, "")),
        (["219-chats-upsert-without-remotejid.json"], (1, "")),
        (["232-call-raw-packet-websocket.json"], (1, "")),
        (["234-typebot-change-status.json"], (1, "")),
        (["260-self-chat-note-to-self.json"], (1, "")),
        (["276-cloud-contacts-upsert-no-jid.json"], (1, "")),
        (["178-messages-edited-history-sync-noise.json"], (1, "")),
    ],
)
def test_event_that_is_no_message_creates_nothing(tenant, names, seen):
    lines = make_lines()
    events = [deliver_fixture(lines, name) for name in names]
    work()
    assert outcome(events[-1])[:2] == seen
    assert not Message.objects.exists()
    assert not Conversation.objects.exists()
    assert not Contact.objects.exists()


def test_album_is_kept_out_of_sight(tenant):
    stored("075-album-parent.json")
    message = Message.objects.get()
    assert message.is_hidden
    assert message.conversation.unread_count == 0
    assert message.conversation.last_message_id is None


def test_reactions_wait_for_their_message_and_the_last_one_wins(tenant):
    lines = make_lines()
    for name in ("066-reaction-removed.json", "065-reaction-add.json"):
        deliver_fixture(lines, name)
    work()
    assert not Message.objects.exists()
    assert ParkedEffect.objects.count() == 2
    body = {
        "event": "send.message",
        "instance": "evs-t42-clinica-sorriso",
        "data": {
            "key": {
                "remoteJid": "5511900001234@s.whatsapp.net",
                "fromMe": True,
                "id": "3EB0EA4C4005D032D6C504",
            },
            "message": {"conversation": "alvo"},
            "messageTimestamp": 1763200400,
        },
    }
    from messaging.tests.ingest.rig import deliver

    deliver(lines["evs-t42-clinica-sorriso"], body)
    work()
    assert Reaction.objects.get().emoji == ""
    assert not ParkedEffect.objects.exists()


def test_batch_stores_the_good_items_and_is_dead_for_the_bad_one(tenant):
    event = stored("194-upsert-array-batch.json")
    assert sorted(Message.objects.values_list("text", flat=True)) == ["lote 1", "lote 2"]
    status, _, error = outcome(event)
    assert status == 3
    assert error.startswith("item 2: ")


def test_history_raises_no_unread(tenant):
    stored("190-messages-set-batch.json")
    rows = Message.objects.order_by("occurred_at").values_list(
        "type", "direction", "status", "is_history"
    )
    assert list(rows) == [
        ("text", "inbound", "received", True),
        ("text", "outbound", "read", True),
        ("image", "inbound", "received", True),
        ("text", "inbound", "received", True),
    ]
    assert set(Conversation.objects.values_list("unread_count", flat=True)) == {0}
    assert not Contact.objects.filter(name="99120456781234").exists()


def test_status_of_the_receipts_goes_up_only(tenant):
    lines = make_lines()
    wanted = [
        ("120-send-message-text.json", "pending"),
        ("140-update-server-ack.json", "sent"),
        ("141-update-delivery-ack.json", "delivered"),
        ("142-update-read.json", "read"),
        ("144-update-late-delivery-after-read.json", "read"),
        ("152-update-numeric-status.json", "read"),
        ("154-update-v1-shape.json", "read"),
    ]
    for name, status in wanted:
        deliver_fixture(lines, name)
        work()
        message = Message.objects.get()
        assert message.status == status
        assert message.conversation.preview_status == status


def test_edits_and_deletes_of_the_row(tenant):
    lines = make_lines()
    for name in ROWS:
        if name[:3] in (
            "020",
            "174",
            "175",
            "179",
            "182",
            "120",
            "125",
            "172",
            "180",
            "022",
            "171",
        ):
            deliver_fixture(lines, name)
    work()
    edited = Message.objects.get(provider_id="ACBDA4C85FF6B5E08F78F117D66321CA")
    assert edited.text == "Oi! Pode ser sexta às 9h?"
    assert edited.edited_at == datetime(2025, 11, 15, 9, 48, 15, tzinfo=UTC)
    texts = list(edited.versions.order_by("written_at").values_list("text", flat=True))
    assert texts == [
        "Oi! Queria remarcar minha consulta de terça, tem horário na quinta à tarde?",
        "Versão final: sexta de manhã",
        "Legenda corrigida",
        "texto editado via v1",
    ]
    ours = Message.objects.get(provider_id="3EB0F80AF6FEFB7A50EB33")
    assert ours.text == "Oi Mariana! Quinta às 16h00 está livre, posso confirmar?"
    assert ours.deleted_at is not None
    theirs = Message.objects.get(provider_id="3A8A2E6874E2E21A186E")
    assert theirs.deleted_at is not None
    assert theirs.text == "Pode ser esse horário mesmo 👍"


def test_parked_status_applies_and_leaves(tenant):
    lines = make_lines()
    deliver_fixture(lines, "146-update-before-upsert-unknown-id.json")
    work()
    assert ParkedEffect.objects.count() == 1
    deliver_fixture(lines, "147-send-message-for-parked-update.json")
    work()
    assert Message.objects.get().status == "delivered"
    assert not ParkedEffect.objects.exists()


def test_deleted_in_an_update_deletes_nothing(tenant):
    lines = make_lines()
    deliver_fixture(lines, "149-update-deleted-status-that-is-an-edit.json")
    body = {
        "event": "messages.upsert",
        "instance": "evs-t42-clinica-sorriso",
        "data": {
            "key": {
                "remoteJid": "5511900001234@s.whatsapp.net",
                "fromMe": False,
                "id": "A5561E44C2A63682E4295B52F484C14E",
            },
            "message": {"conversation": "antes"},
            "messageTimestamp": 1763200000,
        },
    }
    from messaging.tests.ingest.rig import deliver

    deliver(lines["evs-t42-clinica-sorriso"], body)
    work()
    message = Message.objects.get()
    assert message.deleted_at is None
    assert message.edited_text_unknown


def test_read_on_the_phone_clears_unread(tenant):
    lines = make_lines()
    for name in ("151-update-read-on-own-phone.json", "020-text-inbound.json"):
        deliver_fixture(lines, name)
    work()
    assert Conversation.objects.get().unread_count == 0


def test_tally_replaces(tenant):
    lines = make_lines()
    for name in ("155-update-poll-updates.json", "067-poll-creation.json"):
        deliver_fixture(lines, name)
    work()
    tally = Message.objects.get().extra["tally"]
    assert [(name, len(voters)) for name, voters in tally] == [("Manhã", 1), ("Tarde", 1)]


def test_call_label_and_group(tenant):
    lines = make_lines()
    for name in ("231-call-timeout-offline.json", "228-labels-edit.json", "223-groups-upsert.json"):
        deliver_fixture(lines, name)
    work()
    call = Call.objects.get()
    assert (call.status, call.was_offline) == ("missed", True)
    assert addresses(call.contact_id) == {"5511900001234@s.whatsapp.net", "184512903377841@lid"}
    assert Label.objects.get().name == "Pago"
    group = Contact.objects.get(kind="group")
    assert (group.name, group.members.count()) == ("Equipe Clínica", 2)
    assert Connection.objects.get(instance="evs-t42-clinica-sorriso").own_lid_hmac
