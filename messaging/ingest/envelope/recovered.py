"""Records of a server's own store, as `findMessages` and `findChats` return them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from messaging.ingest.envelope.scalars import as_list, as_map, norm_status, text_of, to_instant

EVENT = "messages.recovered"
_ORDER = ("pending", "sent", "failed", "delivered", "read", "played")


def key_id(record: Mapping[str, Any]) -> str:
    """Return WhatsApp's id of a record, "" when it names none."""
    return text_of(as_map(record.get("key")).get("id"))[:255]


def time_of(record: Mapping[str, Any]) -> datetime | None:
    """Return WhatsApp's time of a record, None when it cannot be read."""
    return to_instant(record.get("messageTimestamp"), datetime.now(UTC))


def status_of(record: Mapping[str, Any]) -> str:
    """Return the furthest status of a record, "" when none is told.

    The column `status` is left out of the answer; what came later is in `MessageUpdate` (§6).
    """
    rows = [as_map(one) for one in as_list(record.get("MessageUpdate"))]
    found = [norm_status(row.get("status")) for row in (*rows, record)]
    known = [status for status in found if status in _ORDER]
    return max(known, key=_ORDER.index, default="")
