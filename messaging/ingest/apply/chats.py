"""Conversations: found or opened before the messages, brought up to date after them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from evosense.core.ids import uuid7
from messaging.ingest.apply.context import Batch
from messaging.services.threads import REFRESH_SQL
from messaging.sql import columns

_FIND = """
SELECT contact_id, id, kind, read_until, is_archived_on_phone FROM messaging_conversation
WHERE connection_id = %s AND is_live AND contact_id = ANY(%s)
ORDER BY id FOR NO KEY UPDATE
"""
_OPEN = """
INSERT INTO messaging_conversation
    (public_id, connection_id, contact_id, kind, status, is_live, is_archived_on_phone,
     last_message_at, preview, preview_type, preview_direction, preview_status, unread_count)
SELECT public_id, %s, contact_id, kind, 'open', true, false, at, '', '', '', '', 0
FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::timestamptz[])
    AS t (public_id, contact_id, kind, at)
RETURNING contact_id, id
"""
_ARCHIVE = """
UPDATE messaging_conversation SET is_archived_on_phone = true
WHERE id = ANY(%s) AND NOT is_archived_on_phone
"""


@dataclass(slots=True)
class Chat:
    """One conversation in this batch, with what the batch adds to it."""

    id: int
    contact: int
    kind: str
    read_until: datetime | None = None
    is_new: bool = False
    is_touched: bool = False
    must_recount: bool = False
    read_now: datetime | None = None
    inbound_at: datetime | None = None
    outbound_at: datetime | None = None
    unread_times: list[datetime] = field(default_factory=list)
    ad: dict[str, Any] | None = None

    def read_up_to(self, at: datetime) -> None:
        if self.read_now is None or at > self.read_now:
            self.read_now = at
            self.is_touched = True

    def attribute(self, ad: dict[str, Any], at: datetime) -> None:
        """Keep the attribution of the earliest message that carried one."""
        found = {**ad, "at": at.isoformat()}
        if self.ad is None or found["at"] < self.ad["at"]:
            self.ad = found


class Chats:
    """The conversations of one batch by contact and by id."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self.by_contact: dict[int, Chat] = {}
        self.by_id: dict[int, Chat] = {}

    def open(self, wanted: dict[int, tuple[str, datetime]]) -> None:
        """Find or create the live conversation of each contact: contact → (kind, time)."""
        self.find(wanted)
        missing = sorted(contact for contact in wanted if contact not in self.by_contact)
        if not missing:
            return
        rows = [(uuid7(), contact, *wanted[contact]) for contact in missing]
        batch = self._batch
        for contact, pk in batch.sql.rows(_OPEN, [batch.line.pk, *columns(rows, 4)]):
            self._add(Chat(pk, contact, wanted[contact][0], is_new=True))

    def find(self, contacts: "dict[int, Any] | set[int]") -> None:
        """Lock and load those live conversations that exist."""
        missing = [contact for contact in contacts if contact not in self.by_contact]
        if not missing:
            return
        batch = self._batch
        for contact, pk, kind, read_until, _ in batch.sql.rows(_FIND, [batch.line.pk, missing]):
            self._add(Chat(pk, contact, kind, read_until))

    def _add(self, chat: Chat) -> None:
        self.by_contact[chat.contact] = chat
        self.by_id[chat.id] = chat

    def archive(self, ids: list[int]) -> None:
        if ids:
            self._batch.sql.run(_ARCHIVE, [ids])

    def read_now(self) -> set[int]:
        """The conversations whose mark this batch may have moved."""
        return {chat.id for chat in self.by_id.values() if chat.read_now is not None}

    def refresh(self) -> None:
        """Recompute what is derived from messages: last message, preview, unread, attribution."""
        touched = sorted((c for c in self.by_id.values() if c.is_touched), key=lambda c: c.id)
        if touched:
            rows = [_values(chat) for chat in touched]
            self._batch.sql.run(REFRESH_SQL, columns(rows, 7))


def _values(chat: Chat) -> tuple[Any, ...]:
    must_recount = chat.must_recount or chat.read_now is not None
    unread = 0
    if not must_recount:
        read = chat.read_until
        unread = sum(1 for at in chat.unread_times if read is None or at > read)
    return (
        chat.id,
        chat.inbound_at,
        chat.outbound_at,
        chat.read_now,
        must_recount,
        unread,
        orjson.dumps(chat.ad).decode() if chat.ad else None,
    )
