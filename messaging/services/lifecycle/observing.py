"""What we see of a session ourselves, by the rules for events and under the same lock."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from evosense.core.outbox import emit
from evosense.core.schema import after_commit, current_tenant
from messaging.events import ConnectionStateChanged
from messaging.ingest.apply.batch import lock_key
from messaging.ingest.apply.context import Line, load_line
from messaging.ingest.apply.state import UP, hint, observe
from messaging.ingest.envelope.facts import ConnectionStateFact
from messaging.sql import Sql

_FACTS = {"open": "open", "connecting": "connecting", "close": "closed", "missing": "removed"}
# What a server calls connecting covers all of these, so it is no news.
_STARTING = frozenset({"connecting", "qr_pending"})


def observe_state(
    public_id: UUID,
    seen: str,
    *,
    at: datetime | None = None,
    own_jid: str = "",
    profile_name: str = "",
) -> str:
    """Follow what a server said when it was asked: open, connecting, close or missing.

    `at` is when it was asked. Returns our state afterwards. Anything else changes nothing.
    """
    name = _FACTS.get(seen)
    fact = ConnectionStateFact(
        name or "", at or timezone.now(), own_jid=own_jid, profile_name=profile_name
    )
    return _follow(public_id, fact if name else None)


def conclude(public_id: UUID, ending: str) -> str:
    """Follow an ending that we brought about ourselves: logged_out or removed."""
    return _follow(public_id, ConnectionStateFact(ending, timezone.now()))


def _follow(public_id: UUID, fact: ConnectionStateFact | None) -> str:
    with transaction.atomic():
        sql = Sql()
        sql.rows("SELECT pg_advisory_xact_lock(%s)", [lock_key(public_id)])
        line = load_line(sql, public_id)
        if line is None:
            return "removed"
        if fact is None or _is_no_news(line, fact):
            return line.state
        machine = observe(sql, line, fact)
        if machine.is_changed:
            emit(ConnectionStateChanged(line.pk, line.state))
            tenant_id = current_tenant().id
            is_read = line.state in UP
            after_commit(lambda: hint(tenant_id, public_id, is_read=is_read))
    return line.state


def _is_no_news(line: Line, fact: ConnectionStateFact) -> bool:
    if fact.state == "connecting":
        return line.state in _STARTING
    if fact.state == "open":
        # A number to compare, or a name, is worth a look even where nothing else changed.
        return line.state == "connected" and not fact.own_jid
    if fact.state == "closed":
        return line.state in {"initializing", "disconnected"}
    return False
