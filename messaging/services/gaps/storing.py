"""One page of a server's records: what of it is missing here, stored by the way of all events.

The page becomes a row of the raw log and is applied in the same transaction, so that a kill
leaves both or neither. Its event is our own, `messages.recovered`: unread counts and previews are
those of messages that came late, and the news says history, so that nothing answers them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import structlog
from django.db import transaction
from django.utils import timezone

from evosense.core.crypto import token_digest
from evosense.core.schema import current_tenant, database_cursor
from evosense.core.tracebacks import headline
from messaging.ingest import queue
from messaging.ingest.apply import RawEvent, apply
from messaging.ingest.apply.batch import lock_key
from messaging.ingest.apply.bubbles import RANK
from messaging.ingest.apply.context import key_of, load_line, own_keys
from messaging.ingest.apply.effects import EFFECT_FACTS
from messaging.ingest.envelope.facts import MessageFact
from messaging.ingest.envelope.parse import parse
from messaging.ingest.envelope.recovered import EVENT, key_id, status_of
from messaging.models import Connection
from messaging.sql import Sql, array

log = structlog.get_logger(__name__)

_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_KNOWN = """
SELECT provider_id, direction, status FROM messaging_message
WHERE provider_id = ANY(%s::text[]) AND connection_id = %s
"""
_WAITING = """
SELECT 1 FROM public.webhook_events
WHERE status = 0 AND tenant_id = %s AND connection_id = %s AND lane = %s LIMIT 1
"""
_STORE = """
INSERT INTO public.webhook_events
    (received_at, tenant_id, connection_id, dedupe_key, event, instance, lane, body)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _SortedOut:
    """Records by what they become: messages by name, and what happens to messages."""

    bubbles: dict[Name, Mapping[str, Any]]
    effects: list[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Stored:
    """How many records of a page were not here, and how many of those are now."""

    missing: int
    recovered: int


def store(connection: Connection, records: Sequence[Mapping[str, Any]]) -> Stored:
    """Store what is missing of these records; call it in the transaction that notes the page.

    Statuses that went further than ours are brought up to date too, and count as nothing.
    """
    sql = Sql()
    # No event of the connection is applied between the comparison and the storing.
    sql.rows(_LOCK, [lock_key(connection.public_id)])
    sorted_out = _sort_out(sql, connection, records)
    bubbles = sorted_out.bubbles
    known = _known(sql, connection, bubbles)
    missing = [name for name in bubbles if name not in known]
    wanted = [*missing, *(name for name in known if _went_further(bubbles[name], known[name]))]
    chosen = [*(bubbles[name] for name in wanted), *sorted_out.effects]
    if not chosen:
        return Stored(0, 0)
    _apply(sql, connection, [dict(one) for one in chosen])
    found = _known(sql, connection, missing)
    return Stored(len(missing), len(found))


def is_behind(connection: Connection) -> bool:
    """Tell whether events of the connection wait: what they bring is on its way, not missing."""
    with database_cursor() as cursor:
        cursor.execute(_WAITING, [current_tenant().id, connection.public_id, queue.LIVE])
        return cursor.fetchone() is not None


def missing_of(
    connection: Connection, records: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return those of these records that are messages and are not here."""
    with transaction.atomic():
        sql = Sql()
        bubbles = _sort_out(sql, connection, records).bubbles
        known = _known(sql, connection, bubbles)
        return [record for name, record in bubbles.items() if name not in known]


def _sort_out(sql: Sql, connection: Connection, records: Sequence[Mapping[str, Any]]) -> _SortedOut:
    """Tell messages from reactions and the like; what has no place here is left out."""
    found, line = _SortedOut({}, []), load_line(sql, connection.public_id)
    own = own_keys(line, set()) if line else set()
    now = timezone.now()
    for record in records:
        facts = parse(_body(connection, [dict(record)], now), now).facts
        if any(isinstance(fact, EFFECT_FACTS) for fact in facts):
            found.effects.append(record)
        elif any(
            isinstance(fact, MessageFact) and key_of(fact.chat.jid) not in own for fact in facts
        ):
            found.bubbles[_name(record)] = record
    return found


def _apply(sql: Sql, connection: Connection, records: list[dict[str, Any]]) -> None:
    event = _raw_event(connection, records)
    try:
        with transaction.atomic():
            items = apply(connection.public_id, [event])
            queue.mark(sql, connection.public_id, items, 0)
    except Exception as error:  # noqa: BLE001  a record that breaks apply is left to the worker
        # It is the worker's craft to find the bad one and to try again.
        log.warning("gaps.page_left_to_worker", error=headline(error), records=len(records))


def _raw_event(connection: Connection, records: list[dict[str, Any]]) -> RawEvent:
    now = timezone.now()
    raw = _body(connection, records, now)
    pk = _insert(connection.public_id, connection.instance, raw, now)
    return RawEvent(pk, now, raw)


def _body(connection: Connection, records: list[dict[str, Any]], now: datetime) -> bytes:
    body = {"event": EVENT, "instance": connection.instance, "data": records}
    return orjson.dumps(body | {"date_time": now.isoformat()})


def _insert(public_id: UUID, instance: str, raw: bytes, now: datetime) -> int:
    with database_cursor() as cursor:
        digest = token_digest(raw.decode())
        tenant = current_tenant().id
        lane = queue.HISTORY
        cursor.execute(_STORE, [now, tenant, public_id, digest, EVENT, instance, lane, raw])
        (pk,) = cursor.fetchone()
    return int(pk)


def _known(sql: Sql, connection: Connection, names: Iterable[Name]) -> dict[Name, str]:
    ids = sorted({ident for ident, _ in names})
    if not ids:
        return {}
    rows = sql.rows(_KNOWN, [array(ids), connection.pk])
    wanted = set(names)
    return {(ident, way): status for ident, way, status in rows if (ident, way) in wanted}


def _name(record: Mapping[str, Any]) -> Name:
    from_me = (record.get("key") or {}).get("fromMe") is True
    return key_id(record), "outbound" if from_me else "inbound"


def _went_further(record: Mapping[str, Any], status: str) -> bool:
    if status == "received":
        return False
    return RANK.get(status_of(record), 0) > RANK.get(status, 0)
