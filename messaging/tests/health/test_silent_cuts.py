"""A session that looks open and posts nothing: found by what its server has, never by silence."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import Evolution, evolution
from messaging.gateway.servers import instance_of
from messaging.models import Connection, GapRepair, Message, Outgoing
from messaging.services.health import counting, depth, look, probe
from messaging.services.health.suspects import Suspects
from messaging.tests.factories import make_conversation, make_message
from messaging.tests.health.rig import Simulator, kinds, looks, make_server, open_line

BEAT = timedelta(seconds=5)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch) -> None:
    monkeypatch.setattr(probe, "_suspects", Suspects())
    monkeypatch.setattr(counting, "shared", counting.Counts())


@pytest.fixture
def asked(monkeypatch) -> Counter[str]:
    """What the server was asked."""
    seen: Counter[str] = Counter()

    def counting(name: str) -> Callable[..., Any]:
        ask = getattr(Evolution, name)

        def call(*arguments: Any, **options: Any) -> Any:
            seen[name] += 1
            return ask(*arguments, **options)

        return call

    for name in ("connection_state", "stored_messages", "find_messages"):
        monkeypatch.setattr(Evolution, name, counting(name))
    return seen


@pytest.fixture
def line(tenant, redis_db, sim: Simulator) -> Connection:
    """A number that was quiet for a minute, after its first look."""
    made = open_line(sim, make_server(sim.url))
    ago = timezone.now() - timedelta(minutes=1)
    Connection.objects.update(connected_at=ago, last_event_at=ago)
    return looks(made)


def code_of(line: Connection, signal: str) -> str:
    return {one["signal"]: one["code"] for one in line.health_signals}[signal]


def server_ids(line: Connection) -> list[str]:
    now = timezone.now()
    page = evolution().find_messages(
        instance_of(line), jid=None, since=now - timedelta(hours=1), until=now, size=50
    )
    return [one["key"]["id"] for one in page.records]


def test_the_looks_after_a_lost_message_end_within_a_minute() -> None:
    longest = look.PAUSE + look.JITTER + BEAT
    # Events came, or the server counted, until just before: the look that still trusted that, and
    # the next one.
    first_sight = max(probe.FRESH, timedelta(seconds=counting.KEPT)) + longest
    # Another look, as long as what is missing may be on its way.
    decided = max(first_sight, depth.SETTLED + look.SOON + BEAT)
    assert (decided + look.SOON + BEAT).total_seconds() <= 55


def test_a_silent_cut_has_its_incident_with_the_second_look(line, sim: Simulator) -> None:
    sim.post("/_sim/cut", {"instance": line.instance, "how": "silent"})
    sim.write(line.instance, 1, ago=31)
    assert look.look(line.public_id) <= timezone.now() + look.SOON
    assert kinds(line) == set(), "one look is no incident"
    line = looks(line)
    assert (line.state, line.health, kinds(line)) == ("connected", "degraded", {"webhook"})
    assert code_of(line, "probe") == "open"
    assert GapRepair.objects.get().reason == "silence"
    # Silence is no recovery; an event is.
    assert kinds(looks(line, 4)) == {"webhook"}
    Connection.objects.update(last_event_at=timezone.now() + timedelta(seconds=1))
    assert kinds(looks(line, 4)) == set()


def test_what_may_be_on_its_way_is_looked_at_again_soon(line, sim: Simulator, monkeypatch) -> None:
    # The server's clock is ahead, so that no slow test run makes it old.
    sim.write(line.instance, 1, ago=-30)
    assert look.look(line.public_id) <= timezone.now() + look.SOON
    line = looks(line, 2)
    assert (line.health, code_of(line, "store")) == ("healthy", "on_the_way")
    monkeypatch.setattr(depth, "SETTLED", timedelta(minutes=-2))
    assert kinds(looks(line, 2)) == {"webhook"}


def test_a_quiet_number_costs_two_small_requests_a_look(line, sim: Simulator, asked) -> None:
    line = looks(line, 5)
    assert asked == {"connection_state": 5, "stored_messages": 5}
    assert code_of(line, "store") == "same"
    for provider_id in ("3EB0CAFE01", "3EB0CAFE02"):
        make_message(
            make_conversation(line), provider_id=provider_id, occurred_at=timezone.now() + BEAT
        )
    sim.write(line.instance, 2)
    looks(line)
    assert not asked["find_messages"], "as many came here"


def test_events_that_flow_are_proof_enough(line, sim: Simulator, asked) -> None:
    Connection.objects.update(last_event_at=timezone.now() + timedelta(minutes=5))
    sim.write(line.instance, 1, ago=40)
    line = looks(line, 3)
    assert not asked
    assert (line.health, code_of(line, "store")) == ("healthy", "unasked")


def test_what_the_server_counts_and_nobody_misses_is_searched_once(
    line, sim: Simulator, asked
) -> None:
    sim.write(line.instance, 3, ago=40)
    for provider_id in server_ids(line):
        past = timezone.now() - timedelta(minutes=5)
        make_message(make_conversation(line), provider_id=provider_id, occurred_at=past)
    asked.clear()
    line = looks(line, 4)
    assert (line.health, asked["find_messages"], asked["stored_messages"]) == ("healthy", 1, 4)


def test_single_messages_that_were_dropped_are_fetched_without_an_alarm(
    line, sim: Simulator
) -> None:
    sim.write(line.instance, 1, ago=45)
    Connection.objects.update(last_event_at=timezone.now() - timedelta(seconds=30))
    line = looks(line, 3)
    assert (line.health, kinds(line)) == ("healthy", set())
    assert GapRepair.objects.get().reason == "silence"


def sent(line: Connection, *, seconds_ago: int, state: str = "sent") -> None:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    message = make_message(
        make_conversation(line), direction="outbound", source="api", occurred_at=at
    )
    Outgoing.objects.create(
        connection=line, message=message, kind="text", state=state, sent_at=at, finished_at=at
    )


@pytest.mark.parametrize(
    ("heard", "sent_ago", "over", "is_lost"),
    [
        (120, 40, {}, True),
        (120, -300, {}, False),  # its echo may be on its way
        (45, 40, {}, False),  # the echo came before the answer
        (120, 40, {"webhook_state": "foreign"}, False),
        (120, 40, {"is_managed": False}, False),
        (10_000, 3_600, {}, False),
    ],
)
def test_a_server_that_takes_messages_and_echoes_none_posts_nothing(
    line, heard: int, sent_ago: int, over: dict[str, Any], is_lost: bool
) -> None:
    last = timezone.now() - timedelta(seconds=heard)
    values = {"is_managed": True, "webhook_state": "ok", "last_event_at": last, **over}
    Connection.objects.update(**values)
    sent(line, seconds_ago=sent_ago)
    assert ("webhook" in kinds(looks(line, 2))) is (
        is_lost or over.get("webhook_state") is not None
    )
    assert (code_of(line, "webhook") == "lost") is is_lost


def test_what_never_left_is_no_proof(line) -> None:
    last = timezone.now() - timedelta(minutes=3)
    Connection.objects.update(is_managed=True, webhook_state="ok", last_event_at=last)
    sent(line, seconds_ago=60, state="failed")
    assert kinds(looks(line, 2)) == set()


def test_a_server_that_does_not_count_is_searched_now_and_then(
    line, sim: Simulator, asked, monkeypatch
) -> None:
    monkeypatch.setattr(Evolution, "stored_messages", lambda *_a, **_k: None)
    sim.post("/_sim/cut", {"instance": line.instance, "how": "silent"})
    sim.write(line.instance, 1, ago=60)
    ago = timezone.now() - timedelta(minutes=10)
    Connection.objects.update(last_event_at=ago, health_at=timezone.now())
    monkeypatch.setattr(depth, "is_next", lambda *_a: False)
    assert code_of(looks(line, 2), "store") == "untold"
    assert not asked["find_messages"]
    monkeypatch.undo()
    Connection.objects.update(health_at=ago)
    assert kinds(looks(line, 2)) == {"webhook"}


@pytest.mark.parametrize("name", ["stored_messages", "find_messages"])
def test_a_question_that_fails_says_nothing(line, sim: Simulator, monkeypatch, name: str) -> None:
    sim.write(line.instance, 1, ago=60)

    def fail(*_arguments: Any, **_options: Any) -> Any:
        raise EvolutionError("timed_out", can_retry=True)

    monkeypatch.setattr(Evolution, name, fail)
    line = looks(line, 3)
    assert (line.health, code_of(line, "store"), kinds(line)) == ("healthy", "unasked", set())


def test_a_door_without_a_seat_is_no_verdict(line, monkeypatch) -> None:
    def fail(*_arguments: Any, **_options: Any) -> Any:
        raise EvolutionError("egress_busy", can_retry=True)

    monkeypatch.setattr(Evolution, "connection_state", fail)
    line = looks(line, 3)
    assert (line.health, kinds(line)) == ("healthy", set())
    assert Message.objects.count() == 0
