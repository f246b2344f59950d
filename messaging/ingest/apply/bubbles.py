"""Write the messages of a batch with one upsert, whatever was stored before and in which order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from evosense.core.ids import uuid7
from messaging.ingest.apply.context import Batch, Item, key_of
from messaging.ingest.envelope.facts import Content, MessageFact
from messaging.sql import columns

Key = tuple[int, str, str, int | None]

# failed ranks between sent and delivered: it covers what came before the network answered, and a
# later receipt covers it, because late errors and second devices make both happen.
RANK = {"pending": 1, "sent": 2, "failed": 3, "delivered": 4, "read": 5, "played": 6}
ORDER = "ARRAY['pending','sent','failed','delivered','read','played']"
_GROWS = f"array_position({ORDER}, excluded.status) > array_position({ORDER}, m.status)"
_SOURCE_RANK = {"phone": 0, "api": 1}

_UPSERT = f"""
INSERT INTO messaging_message AS m
    (public_id, connection_id, conversation_id, provider_id, direction, source, author_id, sender,
     type, subtype, text, status, status_at, occurred_at, occurred_at_estimated, received_at,
     edited_text_unknown, reply_to_provider_id, quote, view_once, expires_in, is_forwarded,
     is_placeholder, is_hidden, is_history, extra)
SELECT public_id, %s, conversation_id, provider_id, direction, source, author_id, sender,
     type, subtype, text, status, status_at, occurred_at, estimated, received_at,
     false, reply_to, quote::jsonb, view_once, expires_in, is_forwarded,
     is_placeholder, is_hidden, is_history, extra::jsonb
FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[],
            %s::bytea[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],
            %s::timestamptz[], %s::bool[], %s::timestamptz[], %s::text[], %s::text[], %s::bool[],
            %s::int[], %s::bool[],
            %s::bool[], %s::bool[], %s::bool[], %s::text[])
    AS t (public_id, conversation_id, provider_id, direction, source, author_id, sender,
          type, subtype, text, status, status_at, occurred_at,
          estimated, received_at, reply_to, quote, view_once, expires_in, is_forwarded,
          is_placeholder, is_hidden, is_history, extra)
ON CONFLICT ON CONSTRAINT messaging_message_key DO UPDATE SET
    type = CASE WHEN m.is_placeholder THEN excluded.type ELSE m.type END,
    subtype = CASE WHEN m.is_placeholder THEN excluded.subtype ELSE m.subtype END,
    text = CASE WHEN m.is_placeholder AND m.edited_at IS NULL THEN excluded.text ELSE m.text END,
    quote = CASE WHEN m.is_placeholder THEN excluded.quote ELSE m.quote END,
    reply_to_provider_id = CASE WHEN m.is_placeholder THEN excluded.reply_to_provider_id
                                ELSE m.reply_to_provider_id END,
    extra = CASE WHEN m.is_placeholder THEN excluded.extra ELSE m.extra END,
    expires_in = coalesce(m.expires_in, excluded.expires_in),
    view_once = m.view_once OR excluded.view_once,
    is_forwarded = m.is_forwarded OR excluded.is_forwarded,
    is_hidden = m.is_hidden AND excluded.is_hidden,
    is_placeholder = m.is_placeholder AND excluded.is_placeholder,
    is_history = m.is_history AND excluded.is_history,
    source = CASE WHEN m.source = 'phone' THEN excluded.source ELSE m.source END,
    status_at = CASE WHEN {_GROWS}
                     THEN excluded.status_at ELSE m.status_at END,
    status = CASE WHEN {_GROWS}
                  THEN excluded.status ELSE m.status END,
    occurred_at = CASE WHEN (excluded.occurred_at_estimated, excluded.occurred_at)
                          < (m.occurred_at_estimated, m.occurred_at)
                       THEN excluded.occurred_at ELSE m.occurred_at END,
    occurred_at_estimated = m.occurred_at_estimated AND excluded.occurred_at_estimated,
    received_at = least(m.received_at, excluded.received_at)
WHERE (m.is_placeholder AND NOT excluded.is_placeholder)
   OR (m.is_history AND NOT excluded.is_history)
   OR {_GROWS}
   OR (excluded.occurred_at_estimated, excluded.occurred_at)
        < (m.occurred_at_estimated, m.occurred_at)
   OR excluded.received_at < m.received_at
   OR (m.source = 'phone' AND excluded.source <> 'phone')
RETURNING new.id, new.conversation_id, new.provider_id, new.direction, new.author_id,
          old.id IS NULL
"""  # noqa: S608  (constants)
_MEDIA = """
INSERT INTO messaging_messagemedia
    (message_id, status, kind, mime, size, name, seconds, width, height, sha256, storage_key,
     raw_event_id, raw_received_at, remote_url, transcript)
SELECT message_id, 'pending', kind, mime, size, name, seconds, width, height, sha256, '',
     raw_event_id, raw_received_at, remote_url, transcript
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::int[], %s::int[],
            %s::int[], %s::bytea[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[])
    AS t (message_id, kind, mime, size, name, seconds, width, height, sha256,
          raw_event_id, raw_received_at, remote_url, transcript)
ON CONFLICT (message_id) DO NOTHING
"""


@dataclass(slots=True)
class Draft:
    """A message on its way to its row; `id` and `is_new` are known after the upsert."""

    fact: MessageFact
    item: Item
    key: Key
    sender: bytes | None
    status: str
    status_at: datetime
    occurred_at: datetime
    estimated: bool
    received_at: datetime
    is_history: bool
    source: str
    id: int = 0
    is_new: bool = False
    is_changed: bool = False

    @property
    def conversation(self) -> int:
        return self.key[0]

    @property
    def is_inbound(self) -> bool:
        return not self.fact.from_me


def draft(fact: MessageFact, item: Item, conversation: int, author: int | None) -> Draft:
    direction = "outbound" if fact.from_me else "inbound"
    writer = "" if fact.from_me else (fact.author.jid or fact.chat.jid)
    return Draft(
        fact=fact,
        item=item,
        key=(conversation, fact.provider_id, direction, author),
        sender=key_of(writer) if writer else None,
        status=fact.status,
        status_at=item.raw.received_at,
        occurred_at=fact.occurred_at,
        estimated=fact.occurred_at_estimated,
        received_at=item.raw.received_at,
        is_history=fact.is_history,
        source=fact.source,
    )


def combine(kept: Draft, other: Draft) -> Draft:
    """Fold two copies of one message, by the same rules as the upsert folds with its row."""
    if kept.fact.content.is_placeholder and not other.fact.content.is_placeholder:
        kept.fact, kept.item = other.fact, other.item
    if RANK.get(other.status, 0) > RANK.get(kept.status, 0):
        kept.status, kept.status_at = other.status, other.status_at
    kept.estimated, kept.occurred_at = min(
        (kept.estimated, kept.occurred_at), (other.estimated, other.occurred_at)
    )
    kept.received_at = min(kept.received_at, other.received_at)
    kept.is_history = kept.is_history and other.is_history
    if _SOURCE_RANK.get(other.source, 0) > _SOURCE_RANK.get(kept.source, 0):
        kept.source = other.source
    return kept


def store(batch: Batch, drafts: dict[Key, Draft]) -> None:
    """Upsert in the order of the key, so that two writers lock the same rows in one order."""
    if not drafts:
        batch.meanwhile()
        return
    ordered = [drafts[key] for key in sorted(drafts, key=_order)]
    rows = [_values(one) for one in ordered]
    values = [batch.line.pk, *columns(rows, 24)]
    batch.meanwhile()
    found = batch.sql.rows(_UPSERT, values)
    for pk, conversation, provider_id, direction, author, is_new in found:
        one = drafts[(conversation, provider_id, direction, author)]
        one.id, one.is_new, one.is_changed = pk, is_new, not is_new
        if is_new:
            is_late = one.is_history or one.fact.is_recovered
            (batch.stored_history if is_late else batch.stored)[pk] = conversation
        else:
            batch.changed.add(pk)
            batch.changed_conversations.add(conversation)
    _store_media(batch, ordered)


def _order(key: Key) -> tuple[int, str, str, int]:
    conversation, provider_id, direction, author = key
    return (conversation, provider_id, direction, author or 0)


def _values(one: Draft) -> tuple[Any, ...]:
    fact, content = one.fact, one.fact.content
    return (
        uuid7(),
        one.key[0],
        one.key[1],
        one.key[2],
        one.source,
        one.key[3],
        one.sender,
        content.type,
        content.subtype,
        content.text,
        one.status,
        one.status_at if fact.from_me else None,
        one.occurred_at,
        one.estimated,
        one.received_at,
        content.quote.provider_id if content.quote else "",
        _quote(content),
        content.view_once,
        content.expires_in,
        content.forwarding_score > 0,
        content.is_placeholder,
        content.is_hidden,
        one.is_history,
        _extra(fact),
    )


def _quote(content: Content) -> str | None:
    """The quoted author is kept as a key only: addresses stand in clear nowhere but in texts."""
    quote = content.quote
    if quote is None:
        return None
    author = key_of(quote.author).hex() if quote.author else ""
    return orjson.dumps({"author_key": author, "type": quote.type, "text": quote.text}).decode()


def _extra(fact: MessageFact) -> str | None:
    content = fact.content
    extra = dict(content.extra)
    if content.mentions:
        extra["mentions"] = [key_of(jid).hex() for jid in content.mentions]
    if content.ad:
        extra["ad"] = content.ad
    if fact.from_me_guessed:
        extra["direction_guessed"] = True
    return orjson.dumps(extra).decode() if extra else None


def _store_media(batch: Batch, ordered: list[Draft]) -> None:
    rows = []
    for one in ordered:
        media = one.fact.content.media
        if media is None or not one.id:
            continue
        rows.append(
            (
                one.id,
                media.kind,
                media.mime,
                media.size or 0,
                media.name,
                media.seconds,
                media.width,
                media.height,
                bytes.fromhex(media.sha256) if media.sha256 else None,
                one.item.raw.id,
                one.item.raw.received_at,
                media.url,
                media.transcript or None,
            )
        )
    if rows:
        batch.sql.run(_MEDIA, columns(rows, 13))
