"""Echoes and receipts of what we sent ourselves: they tell what became of it.

An answer may be lost, the echo may overtake it, and before 2.4 the id is the server's. So an echo
is matched with what is on its way, and the waiting message takes its id, before messages are
stored: then the two are one row. A batch without anything of our own asks nothing here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from evosense.core.outbox import emit
from messaging import echoes
from messaging.addresses import number_hmac, split_jid
from messaging.events import ContactsMerged, OutgoingChanged
from messaging.gateway import lanes
from messaging.ingest.apply.context import Batch, key_of
from messaging.ingest.apply.receipts import Receipts
from messaging.ingest.envelope.facts import MessageFact
from messaging.ingest.envelope.jids import jid_kind, norm_jid
from messaging.services.identities import add_identity
from messaging.services.merges import lock_identities, merge_contacts, undone_pairs
from messaging.services.moves import fold
from messaging.services.threads import rebuild
from messaging.sql import Sql, array

# The server's clock against ours, and how long after the intent an echo may still be its.
EARLY = timedelta(seconds=5)
LATE = timedelta(minutes=5)

_OPEN = """
SELECT o.id, o.conversation_id, o.message_id, o.preset_id, o.content_hash, o.sending_at, o.state,
    c.contact_id,
    ARRAY(SELECT i.hmac FROM messaging_identity i WHERE i.contact_id = c.contact_id),
    ARRAY(SELECT i.br_hmac FROM messaging_identity i
          WHERE i.contact_id = c.contact_id AND i.br_hmac IS NOT NULL)
FROM messaging_outgoing o JOIN messaging_conversation c ON c.id = o.conversation_id
WHERE o.connection_id = %s AND o.state IN ('sending', 'unknown') AND o.message_id IS NOT NULL
ORDER BY o.id FOR UPDATE OF o
"""
_ARRIVED = """
UPDATE messaging_outgoing SET state = 'sent', failure = NULL, holds_until = NULL,
    sent_at = coalesce(sent_at, now()), finished_at = now()
WHERE connection_id = %s AND state IN ('sending', 'unknown', 'dead')
  AND message_id = ANY(%s::bigint[])
RETURNING id, conversation_id
"""
# Never tried again by itself: each try counts against the number (463, reach-out limits).
_REFUSED = """
WITH o AS (
    UPDATE messaging_outgoing SET state = 'failed', finished_at = now(), holds_until = NULL,
        failure = '{"code": "server_nack", "detail": "", "can_retry": false}'
    WHERE connection_id = %s AND state IN ('sending', 'unknown', 'sent', 'dead')
      AND message_id = ANY(%s)
    RETURNING id, conversation_id, message_id, failure
), m AS (
    UPDATE messaging_message m SET failure = o.failure FROM o WHERE m.id = o.message_id
)
SELECT id, conversation_id FROM o
"""
_NAME = """
UPDATE messaging_message SET provider_id = %s,
    status = CASE WHEN status IN ('pending', 'failed') THEN 'sent' ELSE status END,
    status_at = CASE WHEN status IN ('pending', 'failed') THEN now() ELSE status_at END,
    failure = NULL
WHERE id = %s RETURNING conversation_id
"""
# Ids that are known to be of messages of ours.
_TAKEN = """
SELECT m.provider_id FROM messaging_message m JOIN messaging_outgoing o ON o.message_id = m.id
WHERE m.connection_id = %s AND m.provider_id = ANY(%s) AND o.state = 'sent'
"""
_TWIN = """
SELECT m.id, x.id FROM messaging_message m JOIN messaging_message x
    ON x.conversation_id = m.conversation_id AND x.direction = 'outbound' AND x.author_id IS NULL
WHERE m.id = %s AND x.provider_id = %s AND x.id <> m.id
"""


@dataclass(slots=True)
class Open:
    """Something of ours whose outcome nobody told yet."""

    id: int
    conversation: int
    message: int
    preset_id: str
    content_hash: bytes | None
    sending_at: datetime
    state: str
    contact: int
    keys: list[bytes]
    number_keys: list[bytes]

    def is_meant_by(self, fact: MessageFact) -> bool:
        """Tell whether a message of our side is this one."""
        if self.preset_id:
            return self.preset_id == fact.provider_id
        return self.is_like(fact) and self._is_chat(fact)

    def is_like(self, fact: MessageFact) -> bool:
        """Tell whether a message says the same at the same time, wherever it went."""
        if fact.source != "api" and not echoes.is_of_a_server(fact.provider_id):
            # Typed on the phone, however much alike.
            return False
        is_near = self.sending_at - EARLY <= fact.occurred_at <= self.sending_at + LATE
        said = echoes.content_hash(fact.content.type, fact.content.text)
        return is_near and said == self.content_hash

    def _is_chat(self, fact: MessageFact) -> bool:
        jids = [jid for jid in (fact.chat.jid, fact.chat.lid) if jid]
        return any(key_of(jid) in self.keys or self.is_same_number(jid) for jid in jids)

    def is_same_number(self, jid: str) -> bool:
        """Tell whether an address is the other form of this person's Brazilian number."""
        return jid_kind(jid) == "pn" and number_hmac(split_jid(jid)[1]) in self.number_keys


def open_rows(sql: Sql, line: int) -> list[Open]:
    """Return what a connection has on its way or in doubt, locked, with its partner's keys."""
    return [Open(*row) for row in sql.rows(_OPEN, [line])]


def recognise(batch: Batch, facts: Iterable[MessageFact]) -> None:
    """Give waiting messages the ids of their echoes, before those are stored."""
    ours = [fact for fact in facts if fact.from_me]
    if not ours:
        return
    waiting = open_rows(batch.sql, batch.line.pk)
    taken = _taken(batch, ours) if waiting else frozenset()
    arrived: list[int] = []
    for fact in ours:
        if fact.provider_id in taken:
            # The late echo of one before, however much alike: two pictures without words are.
            continue
        meant = [one for one in waiting if one.message not in arrived and one.is_meant_by(fact)]
        if meant:
            # Of equal ones, some lost from sight, the one that left at that time.
            one = min(meant, key=lambda each: abs(each.sending_at - fact.occurred_at))
            _adopt(batch.sql, one, fact)
            arrived.append(one.message)
    settle_arrived(batch, arrived)


def _taken(batch: Batch, facts: list[MessageFact]) -> frozenset[str]:
    ids = [fact.provider_id for fact in facts]
    return frozenset(row[0] for row in batch.sql.rows(_TAKEN, [batch.line.pk, ids]))


def _adopt(sql: Sql, one: Open, fact: MessageFact) -> None:
    jid = fact.chat.jid
    if jid and key_of(jid) not in one.keys and one.is_same_number(jid):
        # WhatsApp knows the person by the other form of the number.
        learn_address(sql, one.conversation, jid)
    adopt_id(sql, one.message, fact.provider_id)


def adopt_id(sql: Sql, message_id: int, provider_id: str) -> None:
    """Give a message of ours its real id; a copy that its echo made becomes part of it."""
    twins = sql.rows(_TWIN, [message_id, provider_id])
    fold(sql, twins)
    rows = sql.rows(_NAME, [provider_id, message_id])
    if twins and rows:
        rebuild(sql, [rows[0][0]])


def learn_address(sql: Sql, conversation_id: int | None, remote_jid: str) -> None:
    """Remember the address that a server really used for a conversation's partner."""
    jid = norm_jid(remote_jid)
    if conversation_id is None or jid_kind(jid) not in ("pn", "lid"):
        return
    lock_identities(sql)
    (contact,) = sql.rows(
        "SELECT contact_id FROM messaging_conversation WHERE id = %s", [conversation_id]
    )[0]
    found = sql.rows("SELECT contact_id FROM messaging_identity WHERE hmac = %s", [key_of(jid)])
    if not found:
        add_identity(contact, jid)
        return
    other = found[0][0]
    if other != contact and frozenset((other, contact)) not in undone_pairs(sql):
        merge = merge_contacts(winner_id=contact, loser_id=other, reason="sent", sql=sql)
        emit(ContactsMerged(sorted((contact, other)), [merge]))


def settle_arrived(batch: Batch, message_ids: list[int]) -> None:
    """Take as sent what an echo or a receipt shows to have arrived at the server."""
    if message_ids:
        _tell(batch, batch.sql.rows(_ARRIVED, [batch.line.pk, array(message_ids)]), "sent")


def settle_receipts(batch: Batch, receipts: Receipts) -> None:
    """Let receipts decide about what we sent: any but an error shows that it arrived."""
    settle_arrived(batch, receipts.arrived)
    if receipts.refused:
        _tell(batch, batch.sql.rows(_REFUSED, [batch.line.pk, receipts.refused]), "failed")


def _tell(batch: Batch, rows: list[tuple[int, int | None]], state: str) -> None:
    if rows:
        conversations = sorted({row[1] for row in rows if row[1] is not None})
        ids = [row[0] for row in rows]
        emit(OutgoingChanged(batch.line.pk, ids, conversations, state))
        batch.wakes_lane = True


def wake_lane(batch: Batch) -> None:
    """Let go on what waited behind them; the last lock of a batch."""
    if batch.wakes_lane:
        lanes.wake(batch.line.public_id)
