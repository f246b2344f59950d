"""Receipts in bulk do what one at a time does, and leave alone what is not sure."""

import itertools
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from evosense.core.models import OutboxEvent
from evosense.core.schema import database_cursor
from messaging.ingest.apply import batch as module
from messaging.ingest.envelope.facts import StatusFact
from messaging.ingest.envelope.parse import parse
from messaging.models import Connection, Conversation, Message, ParkedEffect
from messaging.services.connections import create_connection
from messaging.tests.ingest.rig import START, deliver, make_lines, outcome, work
from messaging.tests.ingest.test_rules import CHAT, GROUP, INSTANCE, OTHER, message, tell, update


@pytest.fixture
def line(tenant):
    found = make_lines()[INSTANCE]
    # The first message of all also tells that the connection works.
    Connection.objects.update(state="connected")
    return found


def at_once(line, *bodies):
    """Deliver all before any is worked on, a second apart."""
    events = [
        deliver(line, body, START + timedelta(seconds=place)) for place, body in enumerate(bodies)
    ]
    work()
    return events


def statuses():
    return dict(Message.objects.order_by("provider_id").values_list("provider_id", "status"))


def news():
    found = list(OutboxEvent.objects.order_by("id").values_list("topic", "payload"))
    OutboxEvent.objects.all().delete()
    return found


def sent(count, **over):
    return [
        message(f"M{number}", mine=True, chat=f"55119000{number:05d}@s.whatsapp.net", **over)
        for number in range(count)
    ]


def test_many_are_one_statement_and_one_event_of_news(line, monkeypatch):
    counts = []

    class Counting(module.Sql):
        def __init__(self):
            super().__init__()
            counts.append(self)

    at_once(line, *sent(60))
    news()
    monkeypatch.setattr(module, "Sql", Counting)
    for first, count in ((0, 10), (10, 50)):
        numbers = range(first, first + count)
        at_once(line, *(update(f"M{number}", status="READ") for number in numbers))
        ((topic, payload),) = news()
        assert topic == "messaging.messages_changed"
        assert len(payload["message_ids"]) == len(payload["conversation_ids"]) == count
    assert set(statuses().values()) == {"read"}
    assert set(Conversation.objects.values_list("preview_status", flat=True)) == {"read"}
    small, large = (one.count for one in counts)
    # A small one also asks for the plans to be kept.
    assert large <= small <= 8


def test_duplicates_change_nothing_and_are_no_news(line):
    at_once(line, *sent(2), update("M0", status="READ"), update("M1", status="READ"))
    before = list(Message.objects.order_by("id").values_list("id", "status", "status_at"))
    news()
    again = [update(ident, status=status) for ident in ("M0", "M1") for status in ("READ", 3)]
    for body in again:
        deliver(line, body, START + timedelta(hours=1))
    work()
    assert list(Message.objects.order_by("id").values_list("id", "status", "status_at")) == before
    assert news() == []
    assert not ParkedEffect.objects.exists()


@pytest.mark.parametrize(
    "order", list(itertools.permutations(["ERROR", "SERVER_ACK", "DELIVERY_ACK", "PENDING"]))
)
def test_of_several_in_one_batch_the_highest_stays(line, order):
    at_once(line, *sent(1, status="PENDING"), *(update("M0", status=one) for one in order))
    assert statuses() == {"M0": "delivered"}


def test_a_late_error_covers_sent_and_nothing_higher(line):
    at_once(line, *sent(2), update("M0", status="SERVER_ACK"), update("M1", status="READ"))
    at_once(line, update("M0", status="ERROR"), update("M1", status="ERROR"))
    assert statuses() == {"M0": "failed", "M1": "read"}


@pytest.mark.parametrize("together", [True, False])
def test_of_the_same_status_the_earliest_time_stays(line, together):
    at_once(line, *sent(1))
    for seconds in (50, 40, 60):
        deliver(line, update("M0", status="READ"), START + timedelta(seconds=seconds))
        if not together:
            work()
    work()
    assert Message.objects.get().status_at == START + timedelta(seconds=40)


def test_an_id_of_two_messages_of_ours_is_told_by_the_chat(line):
    at_once(line, *(message("M", mine=True, chat=chat) for chat in (CHAT, OTHER)))
    at_once(line, update("M", status="READ", chat=OTHER))
    by_chat = [
        (one.conversation.contact.identities.get().address + "@s.whatsapp.net", one.status)
        for one in Message.objects.all()
    ]
    assert sorted(by_chat) == [(CHAT, "sent"), (OTHER, "read")]


def test_an_id_of_two_messages_in_no_known_chat_waits(line):
    at_once(line, *(message("M", mine=True, chat=chat) for chat in (CHAT, OTHER)))
    before = statuses()
    at_once(line, update("M", status="READ", chat="5511900007777@s.whatsapp.net"))
    assert statuses() == before
    assert ParkedEffect.objects.count() == 1


def test_what_others_wrote_has_no_receipt(line):
    at_once(line, message("M"), update("M", status="READ"))
    assert statuses() == {"M": "received"}


def test_ours_in_a_group_moves(line):
    at_once(line, message("M", mine=True, chat=GROUP))
    at_once(line, update("M", status="READ", chat=GROUP, participant=OTHER))
    assert statuses() == {"M": "read"}


def test_known_and_unknown_ids_in_one_batch(line):
    at_once(line, *sent(1))
    at_once(line, *(update(f"M{number}", status="READ") for number in range(3)))
    assert ParkedEffect.objects.count() == 2
    at_once(line, *sent(3)[1:], update("M2", status="DELIVERY_ACK"))
    assert statuses() == {"M0": "read", "M1": "read", "M2": "read"}
    assert not ParkedEffect.objects.exists()


def test_a_receipt_with_an_edit_of_the_same_message(line):
    change = update("M0", message={"editedMessage": {"message": {"conversation": "depois"}}})
    at_once(line, *sent(1))
    change["data"]["remoteJid"] = "5511900000000@s.whatsapp.net"
    news()
    at_once(line, change, update("M0", status="READ"))
    found = Message.objects.get()
    assert (found.text, found.status) == ("depois", "read")
    assert len(news()) == 1


def test_another_lines_message_is_not_moved(line):
    at_once(line, *sent(1))
    other = create_connection(name="Outra", instance="another").connection.public_id
    deliver(other, update("M0", status="READ") | {"instance": "another"})
    work()
    assert statuses()["M0"] != "read"
    assert ParkedEffect.objects.count() == 1


PLAIN = {"keyId": "M", "remoteJid": CHAT, "fromMe": True, "status": "READ"}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"status": "DELETED"},
        {"status": 3},
        {"status": True},
        {"status": None},
        {"fromMe": "true"},
        {"fromMe": False},
        {"fromMe": None},
        {"keyId": ""},
        {"keyId": 7},
        {"keyId": "x" * 300},
        {"keyId": "wamid.A", "fromMe": False},
        {"remoteJid": "99@lid"},
        {"remoteJid": GROUP, "participant": OTHER},
        {"remoteJid": GROUP, "participant": {"hostile": []}},
        {"remoteJid": "5511900001234:7@c.us"},
        {"remoteJid": "1" * 500},
        {"remoteJid": ["5"]},
        {"remoteJid": None},
        {"instanceId": "a", "messageId": "b"},
    ],
)
def test_the_short_way_reads_what_the_long_way_reads(change):
    now = datetime(2026, 3, 1, tzinfo=UTC)

    def read(**over):
        body = update() | {"data": PLAIN | change | over}
        return parse(orjson.dumps(body), now)

    # A field that nobody knows makes it go the long way.
    assert read() == read(unheardOf=1)


def test_the_short_way_is_taken():
    body = update() | {"data": PLAIN}
    (fact,) = parse(orjson.dumps(body), START).facts
    assert isinstance(fact, StatusFact)
    assert (fact.status, fact.at, fact.chat.kind) == ("read", START, "pn")


def set_flag(event, flag):
    with database_cursor() as cursor:
        cursor.execute("UPDATE public.webhook_events SET flag = %s WHERE id = %s", [flag, event])


@pytest.mark.parametrize("mixed", [True, False])
def test_rows_are_marked_and_only_those_of_the_turn(line, mixed):
    """Outcomes that are alike take another statement than those that differ."""
    bodies = sent(3)
    events = [deliver(line, body, START + timedelta(seconds=n)) for n, body in enumerate(bodies)]
    waiting = deliver(line, sent(4)[3], START + timedelta(seconds=1))
    odd = deliver(line, {"event": "business.novelty", "instance": INSTANCE}) if mixed else None
    set_flag(events[1], "oversize")
    with database_cursor() as cursor:
        cursor.execute(
            "UPDATE public.webhook_events SET next_attempt_at = now() + interval '1 hour'"
            " WHERE id = %s",
            [waiting],
        )
    work()
    assert [outcome(event) for event in events] == [(1, "", ""), (1, "oversize", ""), (1, "", "")]
    assert outcome(waiting)[0] == 0
    assert odd is None or outcome(odd)[:2] == (2, "unknown")


def test_a_receipt_read_one_at_a_time_and_in_bulk_is_the_same(line):
    steps = ["SERVER_ACK", "DELIVERY_ACK", "READ", "ERROR", "PLAYED", "DELIVERY_ACK"]
    tell(line, message("A", mine=True), *(update("A", status=one) for one in steps))
    at_once(line, message("B", mine=True), *(update("B", status=one) for one in steps))
    assert statuses() == {"A": "played", "B": "played"}
