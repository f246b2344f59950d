"""The connection's own state: what it says of itself, pairing codes, and a strange number."""

from datetime import datetime
from typing import Any

import orjson
import redis

from evosense.core.crypto import encrypt
from evosense.core.phones import br_key
from evosense.core.schema import after_commit, current_tenant
from evosense.core.streams import redis_client
from messaging.ingest.apply.context import NUMBER_PLACE, Batch, Item, Line, key_of
from messaging.ingest.envelope.facts import AliasFact, ConnectionStateFact, QrFact
from messaging.ingest.envelope.jids import jid_kind
from messaging.sql import columns

QR_SECONDS = 60
_STATES = {
    "open": "connected",
    "connecting": "connecting",
    "qr_pending": "qr_pending",
    "qr_expired": "disconnected",
    "refused": "disconnected",
    "closed": "disconnected",
    "logged_out": "logged_out",
    "forbidden": "banned",
    "removed": "removed",
}
# The three notices of one final close come in any order; the gravest stays until a new start.
_GRAVITY = {"disconnected": 1, "logged_out": 2, "banned": 3, "removed": 4}

_UPDATE = """
UPDATE messaging_connection SET
    state = %s, state_code = %s, state_at = %s, profile_name = %s, own_hmac = %s,
    own_lid_hmac = %s, number = coalesce(number, %s), quarantined_at = %s,
    quarantine_reason = %s, updated_at = now()
WHERE id = %s
"""
# A server that was asked for messages alone never tells its state.
_TALKS = """
UPDATE messaging_connection SET state = 'connected', state_at = %s, updated_at = now()
WHERE id = %s AND state = 'initializing'
"""
_SEEN = "UPDATE messaging_connection SET last_event_at = greatest(last_event_at, %s) WHERE id = %s"
_EVENTS = """
INSERT INTO messaging_connectionevent (connection_id, state, code, detail, at, raw_event_id)
SELECT %s, * FROM unnest(%s::text[], %s::int[], %s::text[], %s::timestamptz[], %s::bigint[])
ON CONFLICT ON CONSTRAINT messaging_connectionevent_once DO NOTHING
"""

Change = tuple[str, int | None, str, datetime, int]


class StateMachine:
    """Moves the connection's state forward in the order of time, not of arrival."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._line: Line = batch.line
        self._before = (self._line.state, self._line.quarantined_at)
        self._learnt = False
        self._number: bytes | None = None
        self.history: list[Change] = []

    def learn(self) -> None:
        """Take note of our own addresses where events tell them for the first time."""
        for item in self._batch.items:
            own = item.envelope.own_jid
            if self._line.own_hmac is None and jid_kind(own) == "pn" and self._is_expected(own):
                self._adopt(own)
            for fact in item.envelope.facts:
                if isinstance(fact, AliasFact) and self._batch.is_own(fact.pn):
                    self._adopt_lid(fact.lid)

    def _is_expected(self, jid: str) -> bool:
        number = self._line.number
        return not number or br_key(number) == br_key(jid.partition("@")[0])

    def _adopt(self, jid: str) -> None:
        self._line.own_hmac, self._learnt = key_of(jid), True
        self._batch.own.add(key_of(jid))
        if not self._line.number:
            self._line.number = jid.partition("@")[0]
            self._number = encrypt(self._line.number, NUMBER_PLACE)

    def _adopt_lid(self, lid: str) -> None:
        self._batch.own.add(key_of(lid))
        if self._line.own_lid_hmac is None:
            self._line.own_lid_hmac, self._learnt = key_of(lid), True

    def follow(self) -> None:
        """Apply the state facts of the batch."""
        facts = [
            (fact, item)
            for item in self._batch.items
            for fact in item.envelope.facts
            if isinstance(fact, ConnectionStateFact)
        ]
        for fact, item in sorted(facts, key=lambda pair: (pair[0].at, pair[1].raw.id)):
            self._step(fact, item)

    def _step(self, fact: ConnectionStateFact, item: Item) -> None:
        line, state = self._line, _STATES[fact.state]
        is_known = line.is_reported and line.state != "initializing"
        is_late = is_known and fact.at < line.state_at
        if fact.own_jid and not self._is_own(fact.own_jid):
            if not is_late:
                self._quarantine(fact, item)
            return
        if fact.profile_name and not (is_late and line.profile_name):
            line.profile_name, self._learnt = fact.profile_name, True
        if is_late:
            return
        if fact.own_jid:
            line.quarantined_at = None
        if _GRAVITY.get(state, 9) < _GRAVITY.get(line.state, 0):
            return
        if state != line.state or not line.is_reported:
            self.history.append((state, fact.reason, "", fact.at, item.raw.id))
        line.state, line.state_at, line.state_code = state, fact.at, fact.reason
        line.is_reported = self._learnt = True

    def _is_own(self, jid: str) -> bool:
        if self._line.own_hmac is None and self._is_expected(jid):
            self._adopt(jid)
        return self._batch.is_own(jid)

    def _quarantine(self, fact: ConnectionStateFact, item: Item) -> None:
        """Another phone was paired: two businesses' chats must not become one."""
        line = self._line
        self.history.append((line.state, fact.reason, "another number", fact.at, item.raw.id))
        line.quarantined_at = line.quarantined_at or self._batch.now
        line.state_at = max(line.state_at, fact.at)
        self._learnt = True

    @property
    def is_changed(self) -> bool:
        return (self._line.state, self._line.quarantined_at) != self._before

    def write(self) -> None:
        line, sql = self._line, self._batch.sql
        if self.history:
            sql.run(_EVENTS, [line.pk, *columns(self.history, 5)])
        if self._learnt:
            reason = "other_number" if line.quarantined_at else ""
            values: list[Any] = [line.state, line.state_code, line.state_at, line.profile_name]
            values += [line.own_hmac, line.own_lid_hmac, self._number, line.quarantined_at, reason]
            sql.run(_UPDATE, [*values, line.pk])
        newest = max(item.raw.received_at for item in self._batch.items)
        if (
            line.state == "initializing"
            and self._batch.stored
            and sql.run(_TALKS, [newest, line.pk])
        ):
            line.state = "connected"
        sql.run(_SEEN, [newest, line.pk])


def show_codes(batch: Batch) -> None:
    """Put the newest pairing code where the page looks for a minute; it is stored nowhere."""
    facts = [fact for item in batch.items for fact in item.envelope.facts]
    codes = [fact for fact in facts if isinstance(fact, QrFact)]
    if not codes:
        return
    code, key = codes[-1], f"t:{current_tenant().id}:qr:{batch.line.public_id}"
    shown = {"code": code.code, "base64": code.image, "pairingCode": code.pairing_code}
    value = orjson.dumps({name: part for name, part in shown.items() if part})
    after_commit(lambda: _show(key, value))


def _show(key: str, value: bytes) -> None:
    try:
        redis_client().set(key, value, ex=QR_SECONDS)
    except redis.RedisError:
        return
