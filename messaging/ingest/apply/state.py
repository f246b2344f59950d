"""The connection's own state: what it says of itself, pairing codes, and a strange number.

Events and probes move it by the same rules. What ends a session for good (removed on the phone,
blocked, removed, no code was read) also ends the wish to have it up, so that nothing tries again
before a person does.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import redis

from evosense.core.crypto import encrypt
from evosense.core.phones import br_key
from evosense.core.schema import after_commit, current_tenant
from evosense.core.streams import publish, redis_client
from messaging.gateway import lanes
from messaging.ingest import pairing_codes
from messaging.ingest.apply.context import NUMBER_PLACE, Batch, Line, key_of, own_keys
from messaging.ingest.envelope.facts import AliasFact, ConnectionStateFact, QrFact
from messaging.ingest.envelope.jids import jid_kind
from messaging.ingest.envelope.recovered import EVENT as RECOVERED
from messaging.sql import Sql, columns

PAIRED_PLACE = "messaging_connection|paired_number"
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
UP = frozenset({"connected", "degraded"})
# Nothing reconnects by itself after these.
_FINAL = frozenset({"qr_expired", "refused", "logged_out", "forbidden", "removed"})
# The three notices of one final close come in any order; the gravest stays until a new start.
_GRAVITY = {"disconnected": 1, "logged_out": 2, "banned": 3, "removed": 4}
_ERRORS = {"refused": "pairing_refused", "forbidden": "banned"}

_UPDATE = """
UPDATE messaging_connection SET
    state = %s, state_code = %s, state_at = %s, profile_name = %s, own_hmac = %s,
    own_lid_hmac = %s, number = coalesce(number, %s), quarantined_at = %s,
    quarantine_reason = CASE WHEN %s::timestamptz IS NULL THEN '' ELSE 'other_number' END,
    paired_number = CASE WHEN %s::timestamptz IS NULL THEN NULL
                         ELSE coalesce(%s, paired_number) END,
    connected_at = %s, disconnected_at = %s,
    wants_session = NOT %s AND (wants_session OR (is_managed AND %s)),
    next_retry_at = CASE WHEN %s THEN NULL ELSE next_retry_at END, updated_at = now()
WHERE id = %s
"""
# As in `_conclude`, for news that come apart; and who unpaired the phone here knows it already.
_ERROR = """
UPDATE messaging_connection SET last_error = %s, last_error_at = %s
WHERE id = %s
  AND (%s, last_error) NOT IN (('pairing_refused', 'qr_expired'), ('logged_out', 'left'))
"""
# A server that was asked for messages alone never tells its state.
_TALKS = """
UPDATE messaging_connection
SET state = 'connected', state_at = %s, connected_at = %s, updated_at = now()
WHERE id = %s AND state = 'initializing'
"""
_SEEN = """
UPDATE messaging_connection SET
    last_event_at = greatest(last_event_at, %s), last_inbound_at = greatest(last_inbound_at, %s),
    last_outbound_at = greatest(last_outbound_at, %s)
WHERE id = %s
"""
_EVENTS = """
INSERT INTO messaging_connectionevent (connection_id, state, code, detail, at, raw_event_id)
SELECT %s, * FROM unnest(%s::text[], %s::int[], %s::text[], %s::timestamptz[], %s::bigint[])
ON CONFLICT ON CONSTRAINT messaging_connectionevent_once DO NOTHING
"""

Change = tuple[str, int | None, str, datetime, int | None]


class StateMachine:
    """Moves the connection's state forward in the order of time, not of arrival."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._line: Line = batch.line
        self._before = (self._line.state, self._line.quarantined_at)
        self._learnt = False
        self._number: bytes | None = None
        self._paired: bytes | None = None
        self._is_given_up = False
        self._error: tuple[str, datetime] | None = None
        self.history: list[Change] = []

    def learn(self) -> None:
        """Take note of our own addresses where events tell them for the first time."""
        if self._line.own_hmac is None:
            seen = dict.fromkeys(item.envelope.own_jid for item in self._batch.items)
            for jid in seen:
                if jid_kind(jid) == "pn" and self._is_expected(jid):
                    self._adopt(jid)
                    break
        for fact, _ in self._batch.facts[AliasFact]:
            if self._batch.is_own(fact.pn):
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
        facts = self._batch.facts[ConnectionStateFact]
        for fact, item in sorted(facts, key=lambda pair: (pair[0].at, pair[1].raw.id)):
            self.step(fact, item.raw.id)

    def step(self, fact: ConnectionStateFact, raw_id: int | None) -> None:
        """Follow one fact; `raw_id` is None when we saw it ourselves."""
        line, state = self._line, _STATES[fact.state]
        is_known = line.is_reported and line.state != "initializing"
        is_late = is_known and fact.at < line.state_at
        if fact.own_jid and not self._is_own(fact.own_jid):
            if not is_late:
                self._quarantine(fact, raw_id)
            return
        if fact.profile_name and not (is_late and line.profile_name):
            line.profile_name, self._learnt = fact.profile_name, True
        if is_late:
            return
        if fact.own_jid:
            line.quarantined_at = None
        if _GRAVITY.get(state, 9) < _GRAVITY.get(line.state, 0):
            return
        self._conclude(fact, state)
        if state != line.state or not line.is_reported:
            self.history.append((state, fact.reason, "", fact.at, raw_id))
        line.state, line.state_at, line.state_code = state, fact.at, fact.reason
        line.is_reported = self._learnt = True

    def _conclude(self, fact: ConnectionStateFact, state: str) -> None:
        """Note since when it is up or down, what went wrong, and whether trying has an end."""
        line = self._line
        if (state in UP) != (line.state in UP):
            if state in UP:
                line.connected_at = fact.at
            else:
                line.disconnected_at = fact.at
        if fact.state in _FINAL:
            self._is_given_up = True
        elif state in UP:
            self._is_given_up = False
        if fact.state in _FINAL or (fact.state == "closed" and state != line.state):
            error = _ERRORS.get(fact.state, fact.state)
            # The end of the codes is told twice; that nobody read one is what people understand.
            if not (self._error and self._error[0] == "qr_expired" and error == "pairing_refused"):
                self._error = (error, fact.at)

    def _is_own(self, jid: str) -> bool:
        """Compare with what is on record: the event itself calls every number its own."""
        if self._line.own_hmac is None and self._is_expected(jid):
            self._adopt(jid)
        return key_of(jid) in own_keys(self._line, set())

    def _quarantine(self, fact: ConnectionStateFact, raw_id: int | None) -> None:
        """Another phone was paired: two businesses' chats must not become one."""
        line = self._line
        self.history.append((line.state, fact.reason, "another number", fact.at, raw_id))
        self._error = ("other_number", fact.at)
        self._paired = encrypt(fact.own_jid.partition("@")[0], PAIRED_PLACE)
        line.quarantined_at = line.quarantined_at or self._batch.now
        line.state_at = max(line.state_at, fact.at)
        self._learnt = True

    @property
    def is_changed(self) -> bool:
        return (self._line.state, self._line.quarantined_at) != self._before

    def write(self) -> None:
        """Write what changed, and that the connection was heard."""
        batch, line, sql = self._batch, self._line, self._batch.sql
        self.save()
        # What a repair read is no sign of life of the webhook.
        heard = [one.raw.received_at for one in batch.items if one.envelope.event != RECOVERED]
        newest = max(heard, default=None)
        if (
            line.state == "initializing"
            and batch.stored
            and sql.run(_TALKS, [newest, newest, line.pk])
        ):
            line.state = "connected"
        sql.run(_SEEN, [newest, batch.inbound_at, batch.outbound_at, line.pk])
        self.wake_lane()

    def wake_lane(self) -> None:
        """Let messages go that waited for the number; the last lock of a change."""
        line = self._line
        if self.is_changed and line.state in UP and line.quarantined_at is None:
            lanes.release(line.public_id)

    def save(self) -> None:
        """Write what changed."""
        line, sql = self._line, self._batch.sql
        if self.history:
            sql.run(_EVENTS, [line.pk, *columns(self.history, 5)])
        if self._error is not None:
            code, at = self._error
            sql.run(_ERROR, [code, at, line.pk, code])
        if self._learnt:
            held, is_up = line.quarantined_at, line.state in UP
            values: list[Any] = [line.state, line.state_code, line.state_at, line.profile_name]
            values += [line.own_hmac, line.own_lid_hmac, self._number, held, held]
            values += [held, self._paired, line.connected_at, line.disconnected_at]
            values += [self._is_given_up, is_up, self._is_given_up or is_up]
            sql.run(_UPDATE, [*values, line.pk])


def observe(sql: Sql, line: Line, fact: ConnectionStateFact) -> StateMachine:
    """Follow what a probe saw, by the rules for events; it is no sign of life of the webhook.

    Must hold the connection's apply lock.
    """
    batch = Batch(sql, line, fact.at)
    batch.own = own_keys(line, set())
    machine = StateMachine(batch)
    machine.step(fact, None)
    machine.save()
    machine.wake_lane()
    return machine


def tell_pairing(batch: Batch, *, is_changed: bool) -> None:
    """Put the newest pairing code where pages look, and tell them; it is stored nowhere."""
    tenant, line = current_tenant().id, batch.line.public_id
    codes: list[QrFact] = [fact for fact, _ in batch.facts[QrFact]]
    if codes:
        parts = {"code": codes[-1].code, "base64": codes[-1].image}
        call = pairing_codes.call(tenant, line, parts | {"pairingCode": codes[-1].pairing_code})
        after_commit(lambda: _show(call))
    if is_changed:
        is_read = batch.line.state in UP
        after_commit(lambda: hint(tenant, line, is_read=is_read))


def _show(call: list[Any] | None) -> None:
    try:
        if call is not None:
            redis_client().eval(*call)  # type: ignore[no-untyped-call]
    except redis.RedisError:
        return


def hint(tenant_id: UUID, connection_id: UUID, *, is_read: bool = False) -> None:
    """Tell pages that show this pairing to look again; a lost hint costs a polling period.

    A code that was read is taken from the shelf.
    """
    try:
        if is_read:
            redis_client().delete(pairing_codes.code_key(tenant_id, connection_id))
        publish(tenant_id, "pairing", {"connection_id": str(connection_id)})
    except redis.RedisError:
        return
