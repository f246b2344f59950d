"""What endpoints can be told of. Apps register their types in `AppConfig.ready`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from celery import current_app

from evosense.core.outbox import Event, subscribe
from tenancy.db.tickets import Fairly

LANE = "webhooks"
NOTE_TASK = "messaging.note_webhook_event"
# What a person sends to try an endpoint; nobody subscribes to it.
TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class EventType:
    """One type. `build(payload)` returns its ids, kinds and times: no text, no number, no name.

    It gets the outbox's payload inside the tenant, and returns None for what is not there any more.
    `reached(data, at)` runs in the transaction in which an endpoint's first answer is noted.
    """

    name: str
    label: Any
    help: Any
    build: Callable[[dict[str, Any]], dict[str, Any] | None]
    reached: Callable[[dict[str, Any], datetime], None] | None = None


@dataclass(frozen=True, slots=True)
class _Noted:
    """Subscribes the task that makes deliveries of an event, which only learns of its type here."""

    type: str

    def apply_async(self, *, kwargs: dict[str, Any], headers: dict[str, str]) -> None:
        fairly = Fairly(LANE, current_app.tasks[NOTE_TASK])
        fairly.apply_async(kwargs={**kwargs, "type": self.type}, headers=headers)


_types: dict[str, EventType] = {}


def register_event_type(event: type[Event], offered: EventType) -> None:
    """Offer an event of the outbox to endpoints under the type's name."""
    _types[offered.name] = offered
    subscribe(event, _Noted(offered.name))


def event_types() -> list[EventType]:
    """Return every type that may be subscribed to, in the order of their registration."""
    return list(_types.values())


def event_type(name: str) -> EventType | None:
    return _types.get(name)
