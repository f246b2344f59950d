"""The raw body that described a file: it holds what the server needs to find it again."""

from typing import Any
from uuid import UUID

from evosense.core.schema import current_tenant, public_scope
from messaging.ingest.envelope.content import unwrap_content
from messaging.ingest.envelope.parse import load
from messaging.ingest.envelope.scalars import to_bytes
from messaging.ingest.models import WebhookBlob, WebhookEvent
from messaging.models import MessageMedia

# Keys beside the content in a message; the gateway wants the key and the message alone.
_MOST_NODES = 200_000


def raw_message(media: MessageMedia) -> dict[str, Any] | None:
    """Return the node with `key` and `message` of the event that brought it; None when it is gone.

    The log is shared, so the row must be this tenant's and this connection's.
    """
    if media.raw_event_id is None or media.raw_received_at is None:
        return None
    tenant_id, connection_id = current_tenant().id, media.message.connection.public_id
    with public_scope():
        event = WebhookEvent.objects.filter(
            pk=media.raw_event_id,
            received_at=media.raw_received_at,
            tenant_id=tenant_id,
            connection_id=connection_id,
        ).first()
    if event is None:
        return None
    return _node_of(load(bytes(event.body)), media.message.provider_id)


def blob_of(media: MessageMedia, raw: dict[str, Any]) -> bytes | None:
    """Return the bytes that came inside the body; None when there were none, or no longer.

    A blob is known by its id and the moment of its event: an id alone could be typed by anybody.
    """
    marker = raw["message"].get("base64") or raw.get("base64")
    name = marker.get("$blob") if isinstance(marker, dict) else None
    try:
        blob_id = UUID(str(name))
    except ValueError:
        return None
    if media.raw_received_at is None:
        return None
    with public_scope():
        rows = WebhookBlob.objects.filter(pk=blob_id, received_at=media.raw_received_at)
        found = rows.values_list("content", flat=True).first()
    return bytes(found) if found is not None else None


def picture_inside(raw: dict[str, Any]) -> bytes:
    """Return the small JPEG that WhatsApp sends along with a film; b"" when there is none."""
    _key, value, _wrappers = unwrap_content(raw["message"])
    return (to_bytes(value.get("jpegThumbnail")) or b"") if isinstance(value, dict) else b""


def _node_of(body: object, provider_id: str) -> dict[str, Any] | None:
    """Return the message with this id wherever an event keeps it: alone, listed, or in history."""
    waiting: list[object] = [body]
    for _ in range(_MOST_NODES):
        if not waiting:
            return None
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            key, message = node.get("key"), node.get("message")
            is_it = isinstance(key, dict) and key.get("id") == provider_id
            if is_it and isinstance(message, dict):
                return node
            waiting += [part for part in node.values() if isinstance(part, dict | list)]
    return None
