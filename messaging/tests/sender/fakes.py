"""A server that answers what a test tells it, and turns that run in the test's own thread."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from unittest import mock

import orjson
from django.db import transaction
from django.utils import timezone

from evosense.core.schema import current_tenant
from messaging.gateway.client.answers import MessagesPage
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.outcome import Outcome
from messaging.ingest.apply import RawEvent, apply
from messaging.models import Connection, Outgoing
from messaging.sender import claims, reconcile, turn
from messaging.sender.claims import Claim
from messaging.sender.turn import Turn

ACCEPTED = "accepted"


class FakeEvolution:
    """Accepts everything, unless `answers` says otherwise; remembers every send."""

    def __init__(self) -> None:
        self.sends: list[dict[str, Any]] = []
        self.answers: list[Outcome | Callable[[dict[str, Any]], Outcome]] = []
        self.records: list[dict[str, Any]] = []
        self.asked = 0
        self.error: EvolutionError | None = None

    def send(self, _instance: Any, **what: Any) -> Outcome:
        self.sends.append(what)
        answer = self.answers.pop(0) if self.answers else accepted
        return answer(what) if callable(answer) else answer

    def find_messages(self, _instance: Any, **_wanted: Any) -> MessagesPage:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return MessagesPage(tuple(self.records), len(self.records), 1, 1)

    def connection_state(self, _instance: Any, **_more: Any) -> str:
        return "open"

    @property
    def texts(self) -> list[str]:
        return [send["payload"].get("text", "") for send in self.sends]


def accepted(what: dict[str, Any]) -> Outcome:
    provider_id = what["preset_id"] or new_id(what)
    return Outcome("accepted", http_status=201, provider_id=provider_id, remote_jid=what["to"])


_made: dict[int, int] = {}


def new_id(_what: dict[str, Any]) -> str:
    _made[0] = _made.get(0, 0) + 1
    return f"3EB0{_made[0]:018X}"


@contextmanager
def fake_server() -> Iterator[FakeEvolution]:
    fake = FakeEvolution()
    with (
        mock.patch.object(turn, "evolution", return_value=fake),
        mock.patch.object(reconcile, "evolution", return_value=fake),
    ):
        yield fake


def run_turn(claim: Claim) -> None:
    Turn(claim, current_tenant(), lambda: False).run()


def run_lanes(most: int = 20) -> int:
    """Give every due lane a turn until none is due; returns how many turns there were."""
    turns = 0
    while turns < most and (found := claims.claim(1, [])):
        run_turn(found[0])
        turns += 1
    return turns


def states() -> list[str]:
    """Return the state of each intent, in the order they were queued."""
    return list(Outgoing.objects.order_by("pk").values_list("state", flat=True))


def echo(
    line: Connection,
    provider_id: str,
    text: str,
    jid: str,
    *,
    event: str = "send.message",
    at: datetime | None = None,
) -> dict[str, Any]:
    """Return an event about a message of our side, as a server makes it of an API send."""
    return {
        "event": event,
        "instance": line.instance,
        "data": record(provider_id, text, jid, at=at),
    }


def record(provider_id: str, text: str, jid: str, *, at: datetime | None = None) -> dict[str, Any]:
    """Return a message of our side as the server stores it."""
    return {
        "key": {"remoteJid": jid, "fromMe": True, "id": provider_id},
        "message": {"conversation": text},
        "messageType": "conversation",
        "messageTimestamp": int((at or timezone.now()).timestamp()),
        "status": "PENDING",
    }


def receipt(line: Connection, provider_id: str, status: str, jid: str) -> dict[str, Any]:
    data = {"keyId": provider_id, "remoteJid": jid, "fromMe": True, "status": status}
    return {"event": "messages.update", "instance": line.instance, "data": data}


_raw = iter(range(1, 1_000_000))


def hear(line: Connection, *events: dict[str, Any]) -> None:
    """Apply events as the ingest worker does."""
    rows = [RawEvent(next(_raw), timezone.now(), orjson.dumps(event)) for event in events]
    with transaction.atomic():
        items = apply(line.public_id, rows)
    assert [item.status for item in items] == [1] * len(events), items
