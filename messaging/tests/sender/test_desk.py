"""The desk: what several turns want is done in one transaction, and nobody pays for another."""

import threading
from dataclasses import replace
from unittest import mock

import pytest
from django.db import connections, transaction
from django.utils import timezone

from evosense.core.schema import current_tenant, database_cursor, public_scope
from evosense.testing.threads import run_threads
from messaging.gateway.client.outcome import Outcome
from messaging.gateway.models import Lane
from messaging.ingest.apply import lock_key
from messaging.models import Identity, Message, Outgoing
from messaging.sender import claims, desk, steps
from messaging.sender.desk import Counter, Desk
from messaging.sender.steps import End, LostLane, Next, NoLine
from messaging.sender.turn import Turn
from messaging.sender.verdict import judge
from messaging.tests.sender.fakes import run_lanes, states
from messaging.tests.sending.things import lane_of, make_line, make_server, say

ACCEPTED = Outcome("accepted", http_status=201, provider_id="3EB0AA")
UNKNOWN = Outcome("unknown", "timed_out")
REFUSED = Outcome("permanent", "not_on_whatsapp", http_status=400)
AT_MOST = 30.0


def lines_with_texts(count, *texts):
    made = [make_line(server) for server in [make_server()] for _ in range(count)]
    for line in made:
        for place, text in enumerate(texts):
            say(line, text, source="api", to=f"551197777{place:04d}")
    return made


def openings(count):
    """Begin turns in all due lanes at once."""
    return steps.begin(claims.claim(count, []))


def end(opening, outcome, *, take_next=True):
    verdict = judge(opening.taken, outcome)
    return End(opening.place, opening.taken, outcome, verdict, take_next)


# Who waits for whom


class Slow:
    """Work that begins when the test says so; remembers what was done together."""

    def __init__(self):
        self.batches, self.begun, self.go = [], threading.Event(), threading.Event()

    def __call__(self, wishes):
        self.batches.append(list(wishes))
        self.begun.set()
        assert self.go.wait(AT_MOST)
        return [wish * 10 for wish in wishes]


def wait_until(question):
    done = threading.Event()
    for _ in range(int(AT_MOST * 100)):
        if question():
            return
        done.wait(0.01)
    raise AssertionError("never")


def test_who_comes_meanwhile_is_done_with_the_others_by_the_next():
    work = Slow()
    counter = Counter(work, lambda: 0)
    results = {}

    def come(wish):
        results[wish] = counter.do(wish)

    threads = [threading.Thread(target=come, args=[wish]) for wish in range(1, 6)]
    threads[0].start()
    assert work.begun.wait(AT_MOST)
    for thread in threads[1:]:
        thread.start()
    wait_until(lambda: len(counter._waiting) == 4)
    work.go.set()
    for thread in threads:
        thread.join(AT_MOST)

    assert [sorted(batch) for batch in work.batches] == [[1], [2, 3, 4, 5]]
    assert results == {wish: wish * 10 for wish in range(1, 6)}


def test_answers_that_are_near_are_waited_for():
    work = Slow()
    work.go.set()
    counter = Counter(work, lambda: 16)
    with mock.patch.object(desk, "_LINGER_SECONDS", AT_MOST):
        found = run_threads([lambda wish=wish: counter.do(wish) for wish in (1, 2, 3)])
    assert found == [10, 20, 30]
    assert [sorted(batch) for batch in work.batches] == [[1, 2, 3]]


def test_what_fails_together_is_left_to_each():
    def fail(_wishes):
        raise ValueError

    counter = Counter(fail, lambda: 0)
    assert run_threads([lambda: counter.do(1)]) == [None]
    assert run_threads([lambda: counter.do(2)]) == [None]


def test_what_was_found_wrong_with_one_is_raised_to_that_one():
    counter = Counter(lambda wishes: [NoLine() for _ in wishes], lambda: 0)
    with pytest.raises(NoLine):
        run_threads([lambda: counter.do(1)])


# Several lanes in one transaction


def test_each_lane_gets_its_own_first_message(server):
    lines_with_texts(3, "um", "dois")

    found = openings(3)

    assert [one.taken.payload["text"] for one in found] == ["um"] * 3
    assert len({one.taken.token for one in found}) == 3
    assert states() == ["sending", "queued"] * 3


def test_a_claim_without_a_connection_keeps_nobody_up(server):
    lines_with_texts(1, "um")
    claim = claims.claim(1, [])[0]
    gone = replace(claim, connection_id=claim.holder)

    missing, opening = steps.begin([gone, claim])

    assert isinstance(missing, NoLine)
    assert opening.taken is not None


def test_outcomes_of_all_kinds_are_settled_together(server):
    lines_with_texts(3, "um", "dois")
    found = openings(3)
    outcomes = [ACCEPTED, UNKNOWN, REFUSED]

    nexts = steps.settle([end(one, what) for one, what in zip(found, outcomes, strict=True)])

    by_line = {one.place.line: what.klass for one, what in zip(found, outcomes, strict=True)}
    words = {"accepted": "sent", "unknown": "unknown", "permanent": "failed"}
    rows = Outgoing.objects.order_by("pk").values_list("connection_id", "state")
    assert list(rows)[::2] == [(line, words[by_line[line]]) for line in sorted(by_line)]
    assert [one.taken.payload["text"] for one in nexts] == ["dois"] * 3
    assert set(states()[1::2]) == {"sending"}
    assert Message.objects.get(provider_id="3EB0AA").status == "sent"


def test_a_lane_that_was_lost_does_not_lose_the_others(server):
    lines = lines_with_texts(2, "um", "dois")
    found = openings(2)
    stolen = next(one for one in found if one.place.lane == lines[0].public_id)
    with public_scope():
        Lane.objects.filter(pk=stolen.place.lane).update(lease_until=timezone.now())
    assert claims.claim(1, [])

    nexts = steps.settle([end(one, UNKNOWN) for one in found])

    by_lane = dict(zip((one.place.lane for one in found), nexts, strict=True))
    assert isinstance(by_lane[lines[0].public_id], LostLane)
    assert isinstance(by_lane[lines[1].public_id], Next)
    assert states() == ["unknown", "queued", "unknown", "sending"]


def test_a_line_at_which_somebody_is_busy_is_put_off(server):
    lines = lines_with_texts(2, "um")
    found = openings(2)
    held, free = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic(), database_cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock_key(lines[0].public_id)])
            held.set()
            assert free.wait(AT_MOST)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(AT_MOST)
    nexts = steps.settle([end(one, UNKNOWN) for one in found])
    free.set()
    holder.join(AT_MOST)

    by_lane = dict(zip((one.place.lane for one in found), nexts, strict=True))
    assert by_lane[lines[0].public_id] is None
    assert states() == ["sending", "unknown"]


def test_lanes_that_end_their_turns_are_due_at_once_and_nobodys(server):
    lines = lines_with_texts(2, "um", "dois")

    steps.settle([end(one, UNKNOWN, take_next=False) for one in openings(2)])

    for line in lines:
        lane = lane_of(line)
        assert lane.holder is None
        assert lane.due_at <= timezone.now()


# A row that nobody can read


def spoil(line, text):
    """Leave an address that no key opens at the person whom a text is for."""
    contact = Message.objects.get(connection=line, text=text).conversation.contact_id
    with database_cursor() as cursor:
        table = Identity._meta.db_table
        assert table == "messaging_identity"
        cursor.execute(
            "UPDATE messaging_identity SET address = 'spoilt' WHERE contact_id = %s", [contact]
        )


def turns(count):
    """Run turns in all due lanes at the same time over one desk; returns what they raised."""
    shared, tenant = Desk(), current_tenant()
    raised = []

    def run(claim):
        try:
            Turn(claim, tenant, lambda: False, shared).run()
        except Exception as error:  # noqa: BLE001  (looked at by the test)
            raised.append(error)
        finally:
            connections.close_all()

    run_threads([lambda claim=claim: run(claim) for claim in claims.claim(count, [])])
    return raised


def test_turns_at_once_send_everything_once_and_in_order(server):
    lines = [make_line(one) for one in [make_server()] for _ in range(6)]
    for line in lines:
        for number in range(4):
            say(line, f"{line.pk} {number}", source="api")

    assert turns(6) == []

    assert sorted(server.texts) == sorted(f"{line.pk} {n}" for line in lines for n in range(4))
    for line in lines:
        mine = [text for text in server.texts if text.startswith(f"{line.pk} ")]
        assert mine == sorted(mine)
    assert set(states()) == {"sent"}


def test_a_spoilt_row_stops_its_own_lane_only(server):
    lines = [make_line(one) for one in [make_server()] for _ in range(4)]
    for place, line in enumerate(lines):
        say(line, "um", source="api", to=f"55119777700{place:02d}")
        say(line, "dois", source="api", to=f"55119888800{place:02d}")
    spoil(lines[0], "dois")

    turns(4)

    rows = Outgoing.objects.order_by("pk").values_list("connection_id", "state")
    of_spoilt = [state for line, state in rows if line == lines[0].pk]
    # What left before the spoilt one is not put in doubt by it.
    assert of_spoilt == ["sent", "queued"]
    assert {state for line, state in rows if line != lines[0].pk} == {"sent"}


def test_a_spoilt_row_does_not_keep_others_from_beginning(server):
    lines = [make_line(one) for one in [make_server()] for _ in range(3)]
    for place, line in enumerate(lines):
        say(line, "um", source="api", to=f"55119777700{place:02d}")
    spoil(lines[1], "um")

    assert len(turns(3)) == 1

    assert states() == ["sent", "queued", "sent"]


def test_a_lone_turn_needs_nobody(server):
    lines_with_texts(1, "um", "dois")
    assert run_lanes() == 1
    assert states() == ["sent", "sent"]
