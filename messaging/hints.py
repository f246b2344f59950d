"""What browsers are told when something of messaging changed: kind and ids, nothing else."""

from typing import Any
from uuid import UUID

import redis

from evosense.core.streams import publish

# Topic of the outbox → event name in the browser.
_KINDS = {
    "messaging.messages_stored": "messages",
    "messaging.messages_changed": "messages",
    "messaging.contacts_merged": "contacts",
    "messaging.outgoing_changed": "messages",
    "messaging.media_changed": "messages",
    "messaging.connection_state_changed": "connections",
    "messaging.connection_health_changed": "connections",
    "messaging.incident_opened": "connections",
    "messaging.incident_closed": "connections",
    "messaging.gap_repaired": "connections",
    "messaging.raw_events_processed": "raw",
}
_KEPT = ("conversation_ids", "connection_id", "contact_ids", "is_history")
_MOST_IDS = 100


def send_hint(tenant_id: UUID, topic: str, payload: dict[str, Any]) -> None:
    """Pass an outbox event on to open pages; a lost hint costs them one polling period."""
    kind = _KINDS.get(topic)
    if kind is None:
        return
    ids = {name: _bounded(payload[name]) for name in _KEPT if name in payload}
    try:
        publish(tenant_id, kind, ids)
    except redis.RedisError:
        return


def _bounded(value: Any) -> Any:
    return value[:_MOST_IDS] if isinstance(value, list | tuple) else value
