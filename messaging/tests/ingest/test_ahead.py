"""Reading ahead changes when a body is read, and nothing else."""

import pytest

from evosense.core.schema import database_cursor
from messaging.ingest import ahead
from messaging.ingest.apply import batch
from messaging.ingest.worker import Worker
from messaging.models import Message
from messaging.tests.ingest.rig import CLOUD, INSTANCE, START, deliver, make_lines, outcome

TURN = 5


def body(number, instance=INSTANCE):
    key = {"remoteJid": f"55119000{number:05d}@s.whatsapp.net", "fromMe": False}
    data = {"key": key | {"id": f"ID{number}"}, "message": {"conversation": f"oi {number}"}}
    data["messageTimestamp"] = 1763200000 + number
    return {"event": "messages.upsert", "instance": instance, "data": data}


@pytest.fixture
def lines(tenant):
    return make_lines()


@pytest.fixture
def read(monkeypatch):
    """The bodies that each side reads."""
    found = {"ahead": [], "turn": []}
    for name, module in (("ahead", ahead), ("turn", batch)):
        real = module.parse

        def parse(raw, at, name=name, real=real):
            found[name].append(bytes(raw))
            return real(raw, at)

        monkeypatch.setattr(module, "parse", parse)
    return found


def set_row(event, assignment):
    with database_cursor() as cursor:
        cursor.execute(
            f"UPDATE public.webhook_events SET {assignment} WHERE id = %s",  # noqa: S608
            [event],
        )


def test_only_the_first_piece_is_read_in_its_turn(lines, read):
    for number in range(12):
        deliver(lines[INSTANCE], body(number))
    assert Worker(turn_size=TURN).drain() == 12
    assert (len(read["turn"]), len(read["ahead"])) == (5, 7)
    assert set(Message.objects.values_list("text", flat=True)) == {f"oi {n}" for n in range(12)}


def test_what_cannot_be_read_ahead_is_read_in_the_turn(lines, monkeypatch):
    def parse(_raw, _at):
        raise MemoryError

    monkeypatch.setattr(ahead, "parse", parse)
    for number in range(12):
        deliver(lines[INSTANCE], body(number))
    assert Worker(turn_size=TURN).drain() == 12
    assert Message.objects.count() == 12


def test_an_event_that_comes_in_between_is_not_missed(lines):
    events = [deliver(lines[INSTANCE], body(number)) for number in range(12)]
    set_row(events[7], "status = 2")
    worker = Worker(turn_size=TURN)
    assert worker.round() == TURN
    set_row(events[7], "status = 0")
    assert worker.round() == TURN
    assert {outcome(event)[0] for event in events[:10]} == {1}
    assert worker.drain() == 2


def test_an_event_that_failed_in_between_is_tried_alone(lines, read):
    events = [deliver(lines[INSTANCE], body(number)) for number in range(12)]
    worker = Worker(turn_size=TURN)
    worker.round()
    set_row(events[5], "attempts = 1")
    assert worker.round() == 1
    assert outcome(events[5])[0] == 1
    assert read["turn"][-1] == read["ahead"][0]


def test_another_batch_after_a_failure_reads_the_rows_again(lines, monkeypatch):
    events = [deliver(lines[INSTANCE], body(number)) for number in range(12)]
    real = batch._judge

    def judge(item, instance):
        if b'"ID8"' in item.raw.body:
            raise KeyError("poison")
        real(item, instance)

    monkeypatch.setattr(batch, "_judge", judge)
    Worker(turn_size=TURN).drain()
    assert outcome(events[8]) == (0, "", "KeyError: 'poison'")
    assert Message.objects.count() == 11


def test_nothing_is_read_ahead_while_several_lines_wait(lines, read):
    for number in range(12):
        deliver(lines[INSTANCE], body(number))
        deliver(lines[CLOUD], body(number, CLOUD), START)
    worker = Worker(turn_size=TURN)
    worker.round()
    assert not read["ahead"]
    assert worker.drain() == 14
    assert Message.objects.count() == 24
