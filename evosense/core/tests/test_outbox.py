"""The outbox: shares the transaction, delivers at least once, inside the right tenant."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
from django.db import transaction

from evosense.core import outbox
from evosense.core.models import OutboxEvent
from evosense.core.outbox import Event, emit, relay


@dataclass(frozen=True, slots=True)
class Happened(Event):
    topic: ClassVar[str] = "test.happened"
    ids: list[int]


class Recorder:
    def __init__(self, *, fails: bool = False) -> None:
        self.calls: list[tuple[dict, dict]] = []
        self.fails = fails

    def apply_async(self, *, kwargs, headers):
        if self.fails:
            raise ConnectionError
        self.calls.append((kwargs, headers))


@pytest.fixture
def recorder(monkeypatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setitem(outbox._subscribers, Happened.topic, [recorder])
    return recorder


def test_emit_outside_a_transaction_is_refused(committed, tenant) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        emit(Happened(ids=[1]))


def test_an_event_of_a_rolled_back_change_never_existed(tenant) -> None:
    with transaction.atomic():
        emit(Happened(ids=[1]))
        transaction.set_rollback(True)
    assert not OutboxEvent.objects.exists()


def test_relay_hands_on_once_in_order_with_the_tenant(tenant, recorder) -> None:
    with transaction.atomic():
        emit(Happened(ids=[1]))
        emit(Happened(ids=[2]))
    assert relay() == 2
    assert relay() == 0
    assert [kwargs["payload"]["ids"] for kwargs, _headers in recorder.calls] == [[1], [2]]
    assert {headers["x-tenant"] for _kwargs, headers in recorder.calls} == {str(tenant.id)}


def test_a_broker_failure_keeps_the_events(tenant, monkeypatch) -> None:
    monkeypatch.setitem(outbox._subscribers, Happened.topic, [Recorder(fails=True)])
    with transaction.atomic():
        emit(Happened(ids=[1]))
    with pytest.raises(ConnectionError):
        relay()
    assert OutboxEvent.objects.filter(published_at=None).count() == 1
