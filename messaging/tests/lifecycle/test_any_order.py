"""Whatever comes in whatever order: nothing is brought back against a wish, and patience grows."""

from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.gateway.capabilities import Capabilities
from messaging.gateway.client.answers import ConnectAnswer
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.instance import Instance
from messaging.ingest.apply import RawEvent, apply
from messaging.ingest.envelope.facts import ConnectionStateFact, Envelope
from messaging.models import Connection
from messaging.services.connections import create_connection
from messaging.services.lifecycle import tending
from messaging.services.lifecycle.observing import conclude, observe_state
from messaging.services.lifecycle.pairing import _begin

OWN, OTHER = "5511900004200@s.whatsapp.net", "5511977776666@s.whatsapp.net"
ENDINGS = ("qr_expired", "refused", "logged_out", "forbidden", "removed")
PLAIN = ("connecting", "qr_pending", "closed", "open")
ANSWERS = (
    ConnectAnswer(count=0),
    ConnectAnswer(state="open"),
    ConnectAnswer(code="2@abc", base64="data:image/png;base64,AA==", count=1),
    ConnectAnswer(raw_error="[object Object]"),
    EvolutionError("timed_out"),
    EvolutionError("missing_instance", http_status=404),
)
_names = count(1)

events = st.tuples(
    st.just("event"), st.sampled_from((*PLAIN, *PLAIN, *ENDINGS)), st.sampled_from(("", OWN, OTHER))
)
late_events = st.tuples(st.just("late"), st.sampled_from((*PLAIN, *ENDINGS)), st.just(OWN))
probes = st.tuples(st.just("probe"), st.sampled_from(("open", "connecting", "close", "missing")))
acts = st.tuples(st.just("act"), st.sampled_from(("start", "log_out")))
looks = st.tuples(
    st.just("look"),
    st.sampled_from((1, 90, 700)),
    st.sampled_from(("close", "close", "close", "open", "connecting", "")),
    st.sampled_from((0, 0, 0, 1, 2, 3, 4, 5)),
)
losses = st.just(("event", "closed", ""))
returns = st.just(("event", "open", OWN))
unread = st.tuples(st.just("event"), st.sampled_from(("qr_expired", "refused")), st.just(""))
rare = events | late_events | probes | acts
# Mostly what leads to a try, or every script would end in a session that nobody brings back.
often = (losses, losses, looks, looks, looks, returns, returns, unread)
steps = st.lists(st.one_of(*often, rare), min_size=8, max_size=40)


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=10)
        return self.at


class Play:
    """One connection, a server that answers as told, and what must hold after each step."""

    def __init__(self, clock: Clock) -> None:
        name = f"loja {next(_names)}"
        made = create_connection(name=name, instance=name, number="5511900004200").connection
        Connection.objects.filter(pk=made.pk).update(
            is_managed=True, wants_session=True, server_id=UUID(int=7)
        )
        self.pk, self.public_id, self.instance = made.pk, made.public_id, name
        self.clock = clock
        self.is_over = False
        self.told: tuple[str, int] = ("", 0)
        self.connects = 0

    @property
    def row(self) -> Connection:
        return Connection.objects.get(pk=self.pk)

    # What stands for the server

    def connection_state(self, _instance: Instance) -> str:
        return self.told[0]

    def connect(self, _instance: Instance, **_options: str) -> ConnectAnswer:
        row = self.row
        assert not self.is_over, "connected after an ending"
        assert row.wants_session, "connected without a wish"
        assert row.quarantined_at is None, "connected while another number waits"
        assert row.state in {"disconnected", "connecting"}
        self.connects += 1
        answer = ANSWERS[self.told[1]]
        if isinstance(answer, EvolutionError):
            raise answer
        if answer.code:
            self.is_over = True
        return answer

    # What happens

    def run(self, step: tuple) -> None:
        getattr(self, f"do_{step[0]}")(*step[1:])

    def do_event(self, state: str, jid: str, at: datetime | None = None) -> None:
        fact = ConnectionStateFact(
            state, at or self.clock(), own_jid=jid if state == "open" else ""
        )
        raw = RawEvent(
            next(_names),
            self.clock(),
            b"{}",
            envelope=Envelope("connection.update", self.instance, jid, (fact,)),
        )
        before = self.row
        apply(self.public_id, [raw])
        if at is not None and before.state != "initializing" and at < before.state_at:
            assert self.row.state == before.state
            return
        if state in ENDINGS:
            self.is_over = True
        elif state == "open" and self.row.state == "connected":
            self.is_over = False

    def do_late(self, state: str, jid: str) -> None:
        self.do_event(state, jid, at=self.clock() - timedelta(hours=1))

    def do_probe(self, seen: str) -> None:
        state = observe_state(self.public_id, seen)
        if seen == "missing":
            self.is_over = True
        elif seen == "open" and state == "connected":
            self.is_over = False

    def do_act(self, name: str) -> None:
        if name == "start":
            _begin(self.row, "connection.pairing_started")
            self.is_over = False
        else:
            Connection.objects.filter(pk=self.pk).update(wants_session=False)
            conclude(self.public_id, "logged_out")
            self.is_over = True

    def do_look(self, seconds: int, state: str, answer: int) -> None:
        self.clock.at += timedelta(seconds=seconds)
        self.told = (state, answer)
        # The first look may only plan; the one after the wait tries.
        self.look_once()
        self.clock.at += timedelta(seconds=seconds)
        self.look_once()

    def look_once(self) -> None:
        before, connects = self.row, self.connects
        tending.tend_session(self.public_id)
        after = self.row
        assert self.connects <= connects + 1
        if after.retry_count < before.retry_count:
            _assert_was_steady(before, self.clock.at)
        if self.connects > connects:
            assert after.retry_count == before.retry_count + 1
        if after.state == "connected":
            self.is_over = False


def _assert_was_steady(before: Connection, now: datetime) -> None:
    """Ten minutes connected, until now or until it was lost."""
    assert before.connected_at is not None
    until = now if before.state == "connected" else before.disconnected_at
    assert until is not None
    assert until - before.connected_at >= tending.STEADY - timedelta(seconds=1)


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(timezone, "now", found)
    return found


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(script=steps)
def test_nothing_comes_back_against_a_wish(tenant, clock, script):
    play = Play(clock)
    patch = pytest.MonkeyPatch()
    instance = Instance(UUID(int=7), "http://x", "k", play.instance, Capabilities("2.3.7"))
    patch.setattr(tending, "evolution", lambda: play)
    patch.setattr(tending, "instance_of", lambda _row: instance)
    patch.setattr(tending, "server_row", lambda _pk: None)
    patch.setattr(tending.breaker, "available", lambda _row: True)
    try:
        with transaction.atomic():
            for step in (("event", "open", OWN), *script):
                play.run(step)
            transaction.set_rollback(True)
    finally:
        patch.undo()


def test_the_play_does_connect(tenant, clock, monkeypatch):
    """What is asserted above would hold of a house that never connects, too."""
    play = Play(clock)
    instance = Instance(UUID(int=7), "http://x", "k", play.instance, Capabilities("2.3.7"))
    monkeypatch.setattr(tending, "evolution", lambda: play)
    monkeypatch.setattr(tending, "instance_of", lambda _row: instance)
    monkeypatch.setattr(tending, "server_row", lambda _pk: None)
    monkeypatch.setattr(tending.breaker, "available", lambda _row: True)
    for step in [("event", "open", OWN), ("event", "closed", "")]:
        play.run(step)
    for number in range(4):
        play.run(("look", 10 * 2**number, "close", 0))
        play.run(("look", 10 * 2**number, "close", 0))
    assert play.connects >= 3
    assert play.row.retry_count == play.connects
