"""What became of messages whose outcome is unknown: looked up in the server's own store.

Found means sent. Absent is proof only if the number stayed connected all the time, the store does
keep messages, and two looks with a minute between agree; then, and only then, it is sent again,
unless later ones of its conversation have left meanwhile: that is for a person to decide.
Echoes and receipts usually settle it long before (`ingest.apply.own`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import transaction
from django.utils import timezone

from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import evolution
from messaging.gateway.client.instance import Instance
from messaging.ingest.apply import lock_key
from messaging.ingest.apply.late import carry_out
from messaging.ingest.apply.own import EARLY, Open, adopt_id, learn_address, open_rows
from messaging.ingest.envelope.facts import MessageFact
from messaging.ingest.envelope.parse import parse
from messaging.ingest.envelope.recovered import EVENT
from messaging.models import Outgoing, OutgoingAttempt
from messaging.sender import metrics, points
from messaging.sender.periods import check_after, periods
from messaging.sender.steps import Place, announce, give_back_connection
from messaging.sql import Sql

_MOST = 3
_NOT_ASKED = "not_searchable"
_PROXY_FAULTS = frozenset({502, 503, 504, 520, 521, 522, 523, 524})
_PAGE = 100
_MOST_PAGES = 5
_STORE_DAYS = 7

_DUE = """
SELECT id FROM messaging_outgoing
WHERE connection_id = %s AND state = 'unknown' AND next_at <= now() ORDER BY next_at LIMIT %s
"""
# From the intent on nothing was told of the session: it was up all the time.
_IS_STEADY = """
SELECT EXISTS (SELECT FROM messaging_connection
               WHERE id = %(line)s AND state IN ('connected', 'degraded') AND state_at < %(since)s)
   AND NOT EXISTS (SELECT FROM messaging_connectionevent
                   WHERE connection_id = %(line)s AND at >= %(since)s)
"""
# Ids that are known to be of other messages of ours.
_TAKEN = """
SELECT m.provider_id FROM messaging_message m JOIN messaging_outgoing o ON o.message_id = m.id
WHERE m.connection_id = %s AND m.provider_id = ANY(%s) AND o.id <> %s
"""
# Its place in the conversation is gone: something of ours that was written later has left.
_IS_OVERTAKEN = """
SELECT EXISTS (
    SELECT FROM messaging_message m JOIN messaging_outgoing o ON o.message_id = m.id
    WHERE m.conversation_id = %s AND m.occurred_at >= %s AND m.id > %s
      AND o.state IN ('sending', 'unknown', 'sent'))
"""
_SETTLE = """
UPDATE messaging_outgoing SET state = %s, failure = %s::jsonb, next_at = %s, absences = %s,
    absent_since = %s, holds_until = CASE WHEN %s::text = 'unknown' THEN holds_until END,
    sent_at = CASE WHEN %s::text = 'sent' THEN now() END,
    finished_at = CASE WHEN %s::text IN ('sent', 'dead', 'failed') THEN now() END
WHERE id = %s AND state = 'unknown' AND attempt_token = %s
"""
_TOUCH = """
UPDATE messaging_message SET status = %s, status_at = now(), failure = %s::jsonb
WHERE id = %s AND status IN ('pending', 'failed')
"""
_ENDS = {
    "dead": {"code": "unresolved", "detail": "", "can_retry": True},
    "failed": {"code": "overtaken", "detail": "", "can_retry": True},
}


@dataclass(frozen=True, slots=True)
class Finding:
    """found, absent, unclear, unreachable; with the record that was found."""

    result: str
    fact: MessageFact | None = None
    code: str = ""
    # Of the server itself; see `fault_of`.
    fault: str = ""

    @property
    def is_answer(self) -> bool:
        return self.code != _NOT_ASKED


@dataclass(frozen=True, slots=True)
class Decision:
    """What a finding means: the next state, and when it is looked at again."""

    state: str
    next_at: datetime
    absences: int = 0
    absent_since: datetime | None = None


def look_for_due(place: Place, instance: Instance) -> str | None:
    """Look for what is due, a few at a time; calls are made outside transactions.

    Returns the code of the server's own fault, "" when it answered, None when it was not asked.
    """
    fault: str | None = None
    with transaction.atomic():
        ids = [row[0] for row in Sql().rows(_DUE, [place.line, _MOST])]
    for row in Outgoing.objects.filter(pk__in=ids).select_related("message"):
        finding = _look_for(place, instance, row)
        if finding.result == "unreachable":
            return finding.fault
        fault = "" if finding.is_answer else fault
    return fault


def _look_for(place: Place, instance: Instance, row: Outgoing) -> Finding:
    with transaction.atomic():
        doubts = [one for one in open_rows(Sql(), place.line) if one.id == row.pk]
    give_back_connection()
    points.reach(points.BEFORE_CHECK)
    started = timezone.now()
    finding = _ask(instance, row, doubts[0] if doubts else None)
    points.reach(points.AFTER_CHECK)
    metrics.CHECKS.labels(finding.result).inc()
    _settle(place, row, finding, started)
    return finding


def _ask(instance: Instance, row: Outgoing, doubt: Open | None) -> Finding:
    if doubt is None:
        # A status post belongs to no chat, and its record tells nobody apart.
        return Finding("unclear", code=_NOT_ASKED)
    try:
        return _search(instance, row, doubt)
    except EvolutionError as error:
        return Finding("unreachable", code=error.code, fault=fault_of(error))


def _search(instance: Instance, row: Outgoing, doubt: Open) -> Finding:
    likely: list[MessageFact] = []
    is_unclear = False
    for fact in _facts(instance, row, doubt):
        if fact is None:
            is_unclear = True
        elif doubt.is_meant_by(fact):
            likely.append(fact)
        elif not doubt.preset_id:
            # The same words to an address that nobody can place yet.
            is_unclear |= doubt.is_like(fact) and fact.chat.kind == "lid"
    free = _not_ours_already(row, likely)
    if free:
        return Finding("found", min(free, key=lambda fact: fact.occurred_at))
    if is_unclear or not _keeps_messages(instance):
        return Finding("unclear", code="store_unclear")
    return Finding("absent")


def _facts(instance: Instance, row: Outgoing, doubt: Open) -> Iterator[MessageFact | None]:
    """Read our side of the time in question; None for a part that could not be read."""
    since = doubt.sending_at - EARLY
    until = min(timezone.now(), doubt.sending_at + timedelta(seconds=periods().window)) + EARLY
    for number in range(1, _MOST_PAGES + 1):
        page = evolution().find_messages(
            instance,
            jid=None,
            since=since,
            until=until,
            page=number,
            size=_PAGE,
            provider_id=row.preset_id,
            from_me=True,
        )
        for record in page.records:
            yield from _read(record)
        if number >= page.pages:
            return
    yield None


def _read(record: dict[str, Any]) -> Iterator[MessageFact]:
    body = orjson.dumps({"event": EVENT, "data": record})
    for fact in parse(body, timezone.now()).facts:
        if isinstance(fact, MessageFact) and fact.from_me:
            yield fact


def _not_ours_already(row: Outgoing, likely: list[MessageFact]) -> list[MessageFact]:
    if not likely:
        return []
    ids = [fact.provider_id for fact in likely]
    with transaction.atomic():
        taken = {found[0] for found in Sql().rows(_TAKEN, [row.connection_id, ids, row.pk])}
    return [fact for fact in likely if fact.provider_id not in taken]


def _keeps_messages(instance: Instance) -> bool:
    """Tell whether the store holds anything at all: with saving switched off it never does."""
    now = timezone.now()
    since = now - timedelta(days=_STORE_DAYS)
    page = evolution().find_messages(instance, jid=None, since=since, until=now, size=1)
    return bool(page.records)


def decide(row: Outgoing, result: str, now: datetime, *, is_steady: bool) -> Decision:
    """Return what a finding means; only here is something queued that may have been sent."""
    sent_at = row.sending_at or now
    if result == "found":
        return Decision("sent", now)
    age = (now - sent_at).total_seconds()
    if age >= periods().give_up:
        return Decision("dead", now)
    later = sent_at + timedelta(seconds=check_after(age))
    if result != "absent" or not is_steady or age < periods().first_check:
        return Decision("unknown", later)
    gap = timedelta(seconds=periods().absence_gap)
    since = row.absent_since
    if row.absences and since is not None and now - since >= gap:
        return Decision("queued", now)
    since = since or now
    return Decision("unknown", max(since + gap, now), row.absences + 1, since)


def fault_of(error: EvolutionError) -> str:
    """Return the code of a server's own fault; "" for what concerns one instance or one call."""
    if error.code == "egress_busy":
        # It was not even asked.
        return ""
    is_own = error.http_status is None or error.code == "license_required"
    return error.code if is_own or error.http_status in _PROXY_FAULTS else ""


def _settle(place: Place, row: Outgoing, finding: Finding, started: datetime) -> None:
    with transaction.atomic(durable=True):
        sql = Sql()
        sql.rows("SELECT pg_advisory_xact_lock(%s)", [lock_key(place.claim.connection_id)])
        now = timezone.now()
        steady = sql.rows(_IS_STEADY, {"line": place.line, "since": row.sending_at or now})
        decision = decide(row, finding.result, now, is_steady=bool(steady[0][0]))
        if decision.state == "queued" and _is_overtaken(sql, row):
            decision = Decision("failed", now)
        _note(row, finding, started)
        if not sql.run(_SETTLE, _values(row, decision)):
            return
        if decision.state == "sent" and finding.fact is not None:
            _adopt(sql, place, row, finding.fact)
        end = _ENDS.get(decision.state)
        if end and row.message_id:
            sql.run(_TOUCH, ["failed", orjson.dumps(end).decode(), row.message_id])
        if decision.state != "unknown":
            announce(sql, place.line, row.pk, row.conversation_id, decision.state)


def _values(row: Outgoing, decision: Decision) -> list[Any]:
    failure = row.failure if decision.state == "unknown" else _ENDS.get(decision.state)
    return [
        decision.state,
        orjson.dumps(failure).decode() if failure else None,
        decision.next_at,
        decision.absences,
        decision.absent_since,
        *[decision.state] * 3,
        row.pk,
        row.attempt_token,
    ]


def _is_overtaken(sql: Sql, row: Outgoing) -> bool:
    if row.message_id is None:
        return False
    # Messages stand at the time at which they left; clocks differ a little.
    since = (row.sending_at or row.created_at) - EARLY
    found = sql.rows(_IS_OVERTAKEN, [row.conversation_id, since, row.message_id])
    return bool(found[0][0])


def _note(row: Outgoing, finding: Finding, started: datetime) -> None:
    number = OutgoingAttempt.objects.filter(outgoing=row, act="check").count() + 1
    OutgoingAttempt.objects.create(
        outgoing=row,
        number=number,
        act="check",
        started_at=started,
        ended_at=timezone.now(),
        outcome=finding.result,
        code=finding.code,
    )


def _adopt(sql: Sql, place: Place, row: Outgoing, fact: MessageFact) -> None:
    if row.message_id is None:
        return
    if fact.chat.jid:
        learn_address(sql, row.conversation_id, fact.chat.jid)
    adopt_id(sql, row.message_id, fact.provider_id)
    carry_out(place.claim.connection_id, [], [fact.provider_id])
