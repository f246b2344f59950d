"""How a connection was in each half hour of the last day, from its changes of state."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from messaging.models import Connection, ConnectionEvent

SLOTS = 48
SLOT = timedelta(minutes=30)
_State = Connection.State
_GOOD = frozenset({_State.CONNECTED})
_WAITING = frozenset({_State.DEGRADED, _State.CONNECTING, _State.QR_PENDING})
# How bad a state is; a half hour shows the worst that happened in it.
_RANK = {"": 0, "ok": 1, "warn": 2, "bad": 3}

Change = tuple[datetime, str]


def tone_of(state: str) -> str:
    """Return ok, warn, bad, or '' for a connection that never spoke."""
    if state in _GOOD:
        return "ok"
    if state in _WAITING:
        return "warn"
    return "" if state == _State.INITIALIZING else "bad"


def uptime_by_connection(pks: Sequence[int], *, now: datetime) -> dict[int, list[str]]:
    """Return the tones of the last 24 hours, oldest first, in two queries."""
    start = now - SLOT * SLOTS
    changes: dict[int, list[Change]] = defaultdict(list)
    for pk, at, state in _changes_since(pks, start):
        changes[pk].append((at, state))
    before = dict(_last_before(pks, start))
    return {pk: uptime(changes[pk], before.get(pk), start=start) for pk in pks}


def uptime(changes: Sequence[Change], before: str | None, *, start: datetime) -> list[str]:
    """Fold changes (oldest first) into slots; nothing is known before the first one."""
    tones = []
    tone = tone_of(before) if before else ""
    pending = list(changes)
    for slot in range(SLOTS):
        end = start + SLOT * (slot + 1)
        worst = tone
        while pending and pending[0][0] < end:
            tone = tone_of(pending.pop(0)[1])
            worst = max(worst, tone, key=_RANK.__getitem__)
        tones.append(worst)
    return tones


def _changes_since(pks: Sequence[int], start: datetime) -> Iterable[tuple[int, datetime, str]]:
    rows = ConnectionEvent.objects.filter(connection_id__in=pks, at__gte=start)
    return rows.order_by("at", "pk").values_list("connection_id", "at", "state")


def _last_before(pks: Sequence[int], start: datetime) -> Iterable[tuple[int, str]]:
    rows = ConnectionEvent.objects.filter(connection_id__in=pks, at__lt=start)
    newest = rows.order_by("connection_id", "-at", "-pk").distinct("connection_id")
    return newest.values_list("connection_id", "state")
