import json
from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.errors import NotFound
from evosense.core.models import OutboxEvent
from evosense.core.schema import database_cursor, tenant_scope
from evosense.testing.forks import forks
from messaging.ingest import queue, worker
from messaging.ingest.apply import batch as module
from messaging.ingest.queue import LineOfWork
from messaging.ingest.worker import Worker, fairly
from messaging.models import Connection, ConnectionEvent, Contact, Conversation, Message
from messaging.services.replay import replay_events
from messaging.tests.ingest.rig import (
    INSTANCE,
    START,
    body_of,
    deliver,
    deliver_fixture,
    make_lines,
    outcome,
    work,
)
from tenancy.models import Tenant


def text(number, **over):
    """A minimal inbound message."""
    key = {
        "remoteJid": f"55119000{number:05d}@s.whatsapp.net",
        "fromMe": False,
        "id": f"ID{number}",
    }
    data = {"key": key, "message": {"conversation": f"oi {number}"}, "messageTimestamp": 1763200000}
    return {"event": "messages.upsert", "instance": INSTANCE, "data": {**data, **over}}


@pytest.fixture
def line(tenant):
    return make_lines()[INSTANCE]


def test_broken_unknown_and_foreign_bodies_are_kept_with_a_flag(line):
    broken = deliver(line, b'{"event": "messages.upsert", ')
    unknown = deliver(line, {"event": "business.novelty", "instance": INSTANCE, "data": {}})
    foreign = deliver(line, text(1) | {"instance": "another"})
    work()
    assert outcome(broken)[:2] == (2, "broken")
    assert outcome(unknown)[:2] == (2, "unknown")
    assert outcome(foreign)[:2] == (2, "mismatch")
    assert not Message.objects.exists()


def test_replay_applies_what_is_understood_by_now(line):
    event = deliver(line, text(1) | {"instance": "renamed"})
    work()
    Connection.objects.filter(public_id=line).update(instance="renamed")
    assert replay_events(line, statuses=["kept"]) == 1
    work()
    assert outcome(event) == (1, "", "")
    assert Message.objects.count() == 1


def test_replay_leaves_other_tenants_alone(line, other_tenant):
    deliver(line, b"{")
    work()
    with tenant_scope(other_tenant), pytest.raises(NotFound):
        replay_events(line, statuses=["kept", "dead"])
    assert work() == 0


def poisoned(monkeypatch, ident):
    real = module._judge

    def judge(item, instance):
        if ident in item.raw.body:
            raise KeyError("poison")
        real(item, instance)

    monkeypatch.setattr(module, "_judge", judge)


def test_only_the_poisonous_event_counts_attempts(line, monkeypatch):
    poisoned(monkeypatch, b'"ID7"')
    events = [deliver(line, text(number)) for number in range(20)]
    work()
    assert Message.objects.count() == 19
    status, _, error = outcome(events[7])
    assert (status, error) == (0, "KeyError: 'poison'")
    assert {outcome(one)[0] for one in events if one != events[7]} == {1}


def test_five_failures_are_the_end(line, monkeypatch):
    poisoned(monkeypatch, b'"ID1"')
    event = deliver(line, text(1))
    gaps = []
    for _ in range(5):
        work()
        with database_cursor() as cursor:
            cursor.execute(
                "SELECT status, attempts, next_attempt_at FROM public.webhook_events WHERE id = %s",
                [event],
            )
            status, attempts, due = cursor.fetchone()
            gaps.append(due - timezone.now())
            cursor.execute("UPDATE public.webhook_events SET next_attempt_at = now()")
    assert (status, attempts) == (3, 5)
    assert gaps[:4] == sorted(gaps[:4])
    assert gaps[3] > timedelta(minutes=50)


def test_error_of_the_database_shows_no_values():
    error = ValueError("duplicate key\nDETAIL: Key (text)=(secret)")
    assert queue.describe(error) == "ValueError: duplicate key"


def test_another_number_freezes_the_line(line):
    Connection.objects.filter(public_id=line).update(own_hmac=None)
    body = json.loads(body_of("005-connection-update-open.json"))
    body["data"]["wuid"] = "5511988887777@s.whatsapp.net"
    deliver(line, body, START)
    held = deliver(line, text(1), START + timedelta(seconds=1))
    work()
    connection = Connection.objects.get(public_id=line)
    assert (connection.quarantine_reason, bool(connection.quarantined_at)) == ("other_number", True)
    assert outcome(held)[:2] == (2, "mismatch")
    body["data"]["wuid"] = "5511900004200@s.whatsapp.net"
    deliver(line, body, START + timedelta(seconds=9))
    work()
    assert Connection.objects.get(public_id=line).quarantined_at is None


def test_number_without_its_ninth_digit_is_the_same_number(tenant):
    line = make_lines(number="5571980001234")[INSTANCE]
    body = json.loads(body_of("005-connection-update-open.json"))
    body["data"]["wuid"] = body["sender"] = "557180001234@s.whatsapp.net"
    deliver(line, body)
    work()
    connection = Connection.objects.get(public_id=line)
    assert (connection.state, connection.quarantined_at) == ("connected", None)


def test_state_history_names_each_change_once(line):
    for name in ("004-connection-update-connecting.json", "005-connection-update-open.json"):
        deliver_fixture({INSTANCE: line}, name)
        deliver_fixture({INSTANCE: line}, name)
    work()
    assert list(ConnectionEvent.objects.order_by("at").values_list("state", flat=True)) == [
        "connecting",
        "connected",
    ]


def test_ban_outlasts_the_other_notices_of_one_close(line):
    shut = {"instance": INSTANCE}
    close = {"event": "connection.update", "data": {"state": "close", "statusReason": 403}}
    deliver(line, shut | close, START)
    deliver(line, shut | {"event": "logout.instance", "data": None}, START + timedelta(seconds=1))
    work()
    assert Connection.objects.get(public_id=line).state == "banned"


CLOSED = {
    "event": "connection.update",
    "instance": INSTANCE,
    "data": {"state": "close", "statusReason": 408},
}


def test_messages_show_that_a_silent_server_is_connected(line):
    deliver(line, text(1) | {"event": "messages.set"}, lane=1)
    work()
    assert Connection.objects.get(public_id=line).state == "initializing"
    deliver(line, text(2), START + timedelta(seconds=9))
    work()
    found = Connection.objects.get(public_id=line)
    assert (found.state, found.state_at) == ("connected", START + timedelta(seconds=9))
    topics = OutboxEvent.objects.values_list("topic", flat=True)
    assert list(topics).count("messaging.connection_state_changed") == 1


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_the_server_tells_counts_more_than_messages(line, order):
    told = [(CLOSED, START), (text(1), START + timedelta(seconds=9))]
    for place in order:
        deliver(line, *told[place])
        work()
    assert Connection.objects.get(public_id=line).state == "disconnected"
    assert ConnectionEvent.objects.get().state == "disconnected"


def test_pairing_code_is_shown_for_a_minute_and_stored_nowhere(committed, tenant, redis_db):
    line = make_lines()[INSTANCE]
    deliver_fixture({INSTANCE: line}, "002-qrcode-updated-pairing-code.json")
    work()
    key = f"t:{tenant.id}:qr:{line}"
    assert redis_db.hget(key, "typed") == b"WZYEH1YY"
    assert 50 < redis_db.ttl(key) <= 60
    assert Connection.objects.get(public_id=line).state == "qr_pending"


def test_one_event_of_news_for_a_batch(line):
    Connection.objects.update(state="connected")
    for number in range(10):
        deliver(line, text(number))
    work()
    (news,) = OutboxEvent.objects.all()
    assert news.topic == "messaging.messages_stored"
    assert len(news.payload["message_ids"]) == len(news.payload["conversation_ids"]) == 10
    assert "oi" not in json.dumps(news.payload)
    for number in range(10):
        deliver(line, text(number))
    work()
    assert OutboxEvent.objects.count() == 1


def test_statements_do_not_grow_with_the_batch(tenant, monkeypatch):
    counts = []
    real = module.Sql

    class Counting(real):
        def __init__(self):
            super().__init__()
            counts.append(self)

    monkeypatch.setattr(module, "Sql", Counting)
    line = make_lines()[INSTANCE]
    # The first message of all also tells that the connection works.
    Connection.objects.update(state="connected")
    for size in (10, 500):
        for number in range(size):
            deliver(line, text(size * 1000 + number))
        assert work(500) == size
    small, large = (one.count for one in counts)
    # A small one also asks for the plans to be kept.
    assert large <= small <= 20


def test_tenants_and_their_lines_take_turns():
    lines = [LineOfWork(tenant, number, 0) for tenant in "ab" for number in range(3)]
    order = [line.tenant_id for line in fairly([*lines, LineOfWork("c", 9, 0)], 0)]
    assert set(order[:3]) == {"a", "b", "c"}
    assert set(order[3:5]) == set(order[5:7]) == {"a", "b"}
    assert next(iter(fairly(lines, 1))).tenant_id == "b"


def test_a_turn_takes_a_piece_and_live_comes_before_history(line):
    for number in range(5):
        deliver(line, text(number), lane=1)
    for number in range(5, 10):
        deliver(line, text(number))
    assert Worker(turn_size=3).round() == 6
    kinds = Message.objects.values_list("provider_id", flat=True)
    assert set(kinds) == {"ID5", "ID6", "ID7", "ID0", "ID1", "ID2"}


@pytest.mark.parametrize(("state", "stored"), [("moving", 0), ("deleting", 0), ("ready", 1)])
def test_moving_and_deleting_tenants_wait(line, tenant, state, stored):
    Tenant.objects.filter(pk=tenant.id).update(state=state, status="suspended")
    deliver(line, text(1))
    work()
    assert Message.objects.count() == stored
    Tenant.objects.filter(pk=tenant.id).update(state="ready", status="trial")


def test_deadlock_repeats_the_batch(line, monkeypatch):
    import psycopg

    calls = []
    real = worker.apply

    def apply(*given):
        calls.append(1)
        if len(calls) == 1:
            raise psycopg.errors.DeadlockDetected("deadlock detected")
        return real(*given)

    monkeypatch.setattr(worker, "apply", apply)
    deliver(line, text(1))
    work()
    assert Message.objects.count() == 1


def test_outage_blames_no_event(line, monkeypatch):
    import psycopg

    def apply(*_given):
        raise psycopg.OperationalError("server closed the connection")

    monkeypatch.setattr(worker, "apply", apply)
    event = deliver(line, text(1))
    with pytest.raises(psycopg.OperationalError):
        work()
    assert outcome(event) == (0, "", "")


def test_own_reply_on_the_phone_reads_the_chat(line):
    deliver(line, text(1))
    answer = text(1, messageTimestamp=1763200060)
    answer["data"]["key"] |= {"fromMe": True, "id": "OWN"}
    deliver(line, answer)
    work()
    chat = Conversation.objects.get()
    assert (chat.unread_count, chat.preview_direction) == (0, "outbound")


def test_agent_name_and_profile_name(line):
    deliver(line, text(1, pushName="Ana"))
    work()
    Contact.objects.update(name="Ana da farmácia", name_source="agent")
    deliver(line, text(1, pushName="Aninha", messageTimestamp=1763200100) | {})
    hint = {"remoteJid": "5511900000001@s.whatsapp.net", "pushName": "Livro"}
    deliver(line, {"event": "contacts.upsert", "instance": INSTANCE, "data": [hint]})
    work()
    contact = Contact.objects.get()
    assert (contact.name, contact.push_name) == ("Ana da farmácia", "Aninha")


DYING_WORKER = """
import os
import django
django.setup()
from messaging.ingest.apply import batch
from messaging.ingest.worker import Worker
judge = batch._judge
def deadly(item, instance):
    if b"ID13" in item.raw.body:
        os._exit(9)
    return judge(item, instance)
batch._judge = deadly
def work():
    Worker().drain()
"""


def waiting_events():
    """Make what waits due now and return how much that is."""
    with database_cursor() as cursor:
        cursor.execute("UPDATE public.webhook_events SET next_attempt_at = now() WHERE status = 0")
        return cursor.rowcount


def test_an_event_that_kills_the_process_is_found_and_the_rest_goes_on(committed, tenant):
    line = make_lines()[INSTANCE]
    for number in range(10, 26):
        deliver(line, text(number))
    codes = []
    with forks(DYING_WORKER) as workers:
        while waiting_events() and len(codes) < 30:
            codes.append(workers.run())
    assert codes.count(9) >= 5
    assert Message.objects.count() == 15
    with database_cursor() as cursor:
        cursor.execute(
            "SELECT status, attempts, error_message FROM public.webhook_events WHERE status <> 1"
        )
        rows = cursor.fetchall()
    assert rows == [(3, 5, "WorkerDiedError: the process ended while it read this event")]
