"""A repair at work: claim, page after page, then the chats; a crash goes on where it stopped.

The page that is done and what it stored commit together. The lease is the token of the worker
that holds the repair: whoever lost it writes nothing more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from evosense.core import heartbeat
from evosense.core.outbox import emit
from messaging.events import GapRepaired
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import evolution
from messaging.gateway.client.instance import Instance
from messaging.gateway.servers import Unreachable, instance_of
from messaging.ingest.envelope.jids import norm_jid
from messaging.ingest.envelope.recovered import time_of
from messaging.ingest.envelope.scalars import as_map, text_of
from messaging.models import Connection, GapRepair, Incident
from messaging.services.gaps.storing import Stored, is_behind, store

PAGE_SIZE = 100
# 20,000 messages; a longer outage than that is an import.
MOST_PAGES = 200
MOST_CHATS = 1_000
LEASE = timedelta(minutes=3)
# A server's clock may differ; its filter is not trusted to the second.
SLACK = timedelta(minutes=10)
_State = GapRepair.State


class LostError(Exception):
    """Another worker holds the repair now, or a person stopped it."""


@dataclass(slots=True)
class Work:
    """A repair that this worker holds."""

    repair: GapRepair
    connection: Connection
    instance: Instance
    lease: datetime
    chats: set[str] = field(default_factory=set)


def run_repair(repair_id: int) -> str:
    """Read until done; returns the state in which the repair was left, "" when it is not ours.

    Raises EvolutionError when the server cannot be asked now but may be later.
    """
    repair = GapRepair.objects.select_related("connection").filter(pk=repair_id).first()
    # What waits to be applied comes as news; read from the server it would come as history.
    if repair is None or is_behind(repair.connection):
        return ""
    lease = _claim(repair_id)
    if lease is None:
        return ""
    repair.refresh_from_db()
    connection = repair.connection
    try:
        work = Work(repair, connection, instance_of(connection), lease)
        error = _read(work)
    except LostError:
        return ""
    except Unreachable as refusal:
        return _finish(repair_id, lease, _State.FAILED, refusal.code)
    except EvolutionError as refusal:
        return _stumble(repair_id, lease, refusal)
    return _finish(repair_id, work.lease, _State.DONE, error)


def _claim(repair_id: int) -> datetime | None:
    """Take a repair that nobody holds; the end of the lease is the token."""
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    lease = now + LEASE
    claimed = GapRepair.objects.filter(
        free, pk=repair_id, state__in=(_State.QUEUED, _State.RUNNING)
    ).update(state=_State.RUNNING, lease_until=lease)
    return lease if claimed else None


def _read(work: Work) -> str:
    """Read all pages and the chats; returns a code when the window was too large."""
    while work.repair.page <= MOST_PAGES:
        heartbeat.beat()
        repair = work.repair
        window = repair.since, repair.until
        found = evolution().find_messages(
            work.instance,
            jid=None,
            since=repair.since,
            until=repair.until,
            page=repair.page,
            size=PAGE_SIZE,
        )
        is_last = repair.page >= found.pages or _is_past(found.records, repair.since)
        _store_page(work, found.records, pages=found.pages)
        if is_last and (repair.since, repair.until) == window:
            _read_chats(work)
            return ""
    return "page_limit"


def _store_page(work: Work, records: Sequence[Mapping[str, Any]], *, pages: int) -> None:
    chosen = [one for one in records if _is_inside(one, work.repair)]
    work.chats |= {jid for one in chosen if (jid := _chat(one))}
    with transaction.atomic():
        stored = store(work.connection, chosen)
        _note(work, stored, len(chosen), page=F("page") + 1, pages=pages)


def _read_chats(work: Work) -> None:
    """Look at each chat's last message: those with a strange time are on none of the pages."""
    rows = evolution().find_chats(work.instance, take=MOST_CHATS, skip=0)
    last = [as_map(row.get("lastMessage")) for row in rows]
    chosen = [one for one in last if one and _is_inside(one, work.repair)]
    with transaction.atomic():
        stored = store(work.connection, chosen)
        _note(work, stored, 0, chats=len(work.chats | {_chat(one) for one in chosen} - {""}))


def _note(work: Work, stored: Stored, seen: int, **values: Any) -> None:
    """Count and go on, as long as the repair is ours; a window that was widened starts anew."""
    repair, lease = work.repair, timezone.now() + LEASE
    ours = GapRepair.objects.filter(pk=repair.pk, lease_until=work.lease, state=_State.RUNNING)
    same = ours.filter(since=repair.since, until=repair.until)
    counts = {
        "seen": F("seen") + seen,
        "missing": F("missing") + stored.missing,
        "recovered": F("recovered") + stored.recovered,
        "lease_until": lease,
    }
    if not same.update(**counts, **values) and not ours.update(**counts):
        raise LostError
    work.lease = lease
    repair.refresh_from_db()


def _finish(repair_id: int, lease: datetime, state: str, error: str) -> str:
    with transaction.atomic():
        ended = GapRepair.objects.filter(pk=repair_id, lease_until=lease, state=_State.RUNNING)
        if not ended.update(
            state=state, error=error[:60], lease_until=None, finished_at=timezone.now()
        ):
            return ""
        repair = GapRepair.objects.get(pk=repair_id)
        if repair.incident_id is not None:
            incident = Incident.objects.filter(pk=repair.incident_id)
            incident.update(recovered=F("recovered") + repair.recovered)
        emit(GapRepaired(repair.connection_id, repair.pk, repair.recovered))
    return state


def _stumble(repair_id: int, lease: datetime, error: EvolutionError) -> str:
    """Let go of the repair: for a later try, or for good."""
    if not error.can_retry:
        held = GapRepair.objects.filter(pk=repair_id, state=_State.RUNNING)
        current = held.values_list("lease_until", flat=True).first()
        return _finish(repair_id, current or lease, _State.FAILED, error.code)
    GapRepair.objects.filter(pk=repair_id, state=_State.RUNNING).update(
        lease_until=None, state=_State.QUEUED, error=error.code[:60]
    )
    raise error


def _is_inside(record: Mapping[str, Any], repair: GapRepair) -> bool:
    """Tell whether a record is of the window; servers ignore filters that they do not know."""
    at = time_of(record)
    return at is None or repair.since - SLACK <= at <= repair.until + SLACK


def _is_past(records: Sequence[Mapping[str, Any]], since: datetime) -> bool:
    """Tell whether a page, which is ordered by time, ends before the window."""
    at = time_of(records[-1]) if records else None
    return not records or (at is not None and at < since - SLACK)


def _chat(record: Mapping[str, Any]) -> str:
    return norm_jid(text_of(as_map(record.get("key")).get("remoteJid")))
