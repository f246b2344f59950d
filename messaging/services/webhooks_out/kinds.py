"""What endpoints can be told of. Apps register their types in `AppConfig.ready`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from evosense.core.outbox import Event, subscribe
from tenancy.db.tickets import Fairly

LANE = "webhooks"
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


_types: dict[str, EventType] = {}


def register_event_type(event: type[Event], offered: EventType) -> None:
    """Offer an event of the outbox to endpoints under the type's name."""
    # The task needs this module.
    from messaging.webhooks_out_tasks import note_webhook_event  # noqa: PLC0415

    _types[offered.name] = offered
    subscribe(event, Fairly(LANE, note_webhook_event, {"type": offered.name}))


def event_types() -> list[EventType]:
    """Return every type that may be subscribed to, in the order of their registration."""
    return list(_types.values())


def event_type(name: str) -> EventType | None:
    return _types.get(name)
