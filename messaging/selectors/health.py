"""How a connection is, why we think so, and how it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messaging.models import Connection, ConnectionEvent, HealthLog
from messaging.selectors.health_words import signal_label, signal_words, state_words
from messaging.selectors.uptime import tone_of

DAY, WEEK = timedelta(hours=24), timedelta(days=7)
DAY_SLOT, WEEK_SLOT = timedelta(minutes=30), timedelta(hours=3)
LOG_ROWS = 50
# Looks write at least every ten minutes; after a longer pause nobody looked.
SILENT_AFTER = timedelta(minutes=30)
_LABELS = {
    "healthy": _("Healthy"),
    "degraded": _("Unstable"),
    "down": _("Down"),
    "": _("Not checked yet"),
}
# How bad a look is; a slot shows the worst of it.
_RANK = {"": 0, "healthy": 1, "degraded": 2, "down": 3}


@dataclass(frozen=True, slots=True)
class Signal:
    """One of the things that were looked at. `status` is ok, warn, bad, unknown or off."""

    kind: str
    label: str
    status: str
    code: str
    words: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class HealthEntry:
    """One row of the log: what a look concluded and which signal spoke for it."""

    status: str
    label: str
    check: str
    check_label: str
    code: str
    words: str
    response_ms: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of the timeline; `status` is "" where nobody looked."""

    start: datetime
    end: datetime
    status: str


@dataclass(frozen=True, slots=True)
class HealthView:
    """What the health page shows of one connection."""

    # healthy, degraded, down; "" before the first look
    health: str
    label: str
    # Since when `health` is what it is; null before the first look.
    since: datetime | None
    checked_at: datetime | None
    signals: list[Signal]
    # 48 half hours and 56 stretches of three hours, oldest first.
    day: list[Slot]
    week: list[Slot]
    log: list[HealthEntry]
    muted_until: datetime | None
    # Minutes of the fixed silence rule; null when it is off.
    silence_minutes: int | None

    @property
    def is_muted(self) -> bool:
        return self.muted_until is not None and self.muted_until > timezone.now()

    @property
    def reason(self) -> str:
        """Return the words of the gravest signal, "" when all is well."""
        return reason_of(self.signals)


@dataclass(frozen=True, slots=True)
class StateSpan:
    """A time in one state; `end` is null for the last one."""

    state: str
    label: str
    tone: str
    code: int | None
    start: datetime
    end: datetime | None


def health_view(connection: Connection) -> HealthView:
    """Return the health of one connection with its last day, week and log."""
    now = timezone.now()
    rows = _rows(connection, now - WEEK)
    return HealthView(
        health=connection.health,
        label=health_label(connection.health),
        since=_since(connection),
        checked_at=connection.health_at,
        signals=signals_of(connection),
        day=slots(rows, end=now, length=DAY, step=DAY_SLOT),
        week=slots(rows, end=now, length=WEEK, step=WEEK_SLOT),
        log=_log(connection),
        muted_until=connection.muted_until,
        silence_minutes=connection.silence_minutes,
    )


def health_label(health: str) -> str:
    return str(_LABELS.get(health, health))


def signals_of(connection: Connection) -> list[Signal]:
    """Return the signals of the last look, for lists and cards; asks the database nothing."""
    return [_signal(one) for one in connection.health_signals]


def reason_of(signals: Sequence[Signal]) -> str:
    """Return the words of the gravest signal, "" when none is warn or bad."""
    grave = sorted(
        (one for one in signals if one.status in ("bad", "warn")), key=lambda one: one.status
    )
    return grave[0].words if grave else ""


def states_timeline(connection: Connection, since: datetime) -> list[StateSpan]:
    """Return the states from `since` on, oldest first; the first one may have begun before."""
    events = ConnectionEvent.objects.filter(connection=connection)
    before = events.filter(at__lt=since).order_by("-at", "-pk").first()
    after = list(events.filter(at__gte=since).order_by("at", "pk")[:1000])
    found = ([before] if before else []) + after
    ends = [*(one.at for one in found[1:]), *[None] * bool(found)]
    return [
        StateSpan(
            state=one.state,
            label=state_words(one.state, one.detail),
            tone=tone_of(one.state),
            code=one.code,
            start=max(one.at, since),
            end=end,
        )
        for one, end in zip(found, ends, strict=True)
    ]


def slots(
    rows: Sequence[tuple[datetime, str]],
    *,
    end: datetime,
    length: timedelta,
    step: timedelta,
) -> list[Slot]:
    """Fold looks (oldest first) into equal stretches; each shows the worst that was seen in it."""
    start, found = end - length, []
    older, pending = (
        [row for row in rows if row[0] < start],
        [row for row in rows if row[0] > start],
    )
    at, status = older[-1] if older else (start, "")
    for number in range(int(length / step)):
        begin = start + step * number
        worst = status if begin - at <= SILENT_AFTER else ""
        while pending and pending[0][0] < begin + step:
            at, status = pending.pop(0)
            worst = max(worst, status, key=_RANK.__getitem__)
        found.append(Slot(begin, begin + step, worst))
    return found


def _signal(raw: dict[str, Any]) -> Signal:
    kind, code, value = raw["signal"], raw.get("code", ""), raw.get("value")
    return Signal(
        kind=kind,
        label=signal_label(kind),
        status=raw["status"],
        code=code,
        words=signal_words(kind, code, _spoken(kind, value)),
        value=value,
    )


def _spoken(kind: str, value: Any) -> Any:
    """Return a value as a sentence says it: percents for receipts, a time for the others."""
    if kind in ("acks", "webhook") or not isinstance(value, int | float):
        return value
    return duration_words(int(value))


def duration_words(seconds: int) -> str:
    """Return a duration in the largest unit that fits."""
    if seconds < 120:
        return str(_("%(count)s s") % {"count": seconds})
    if seconds < 7200:
        return str(_("%(count)s min") % {"count": seconds // 60})
    return str(_("%(count)s h") % {"count": seconds // 3600})


def _rows(connection: Connection, since: datetime) -> list[tuple[datetime, str]]:
    rows = HealthLog.objects.filter(connection=connection, checked_at__gte=since)
    return list(rows.order_by("checked_at", "pk").values_list("checked_at", "status"))


def _since(connection: Connection) -> datetime | None:
    """Return the first look of the run that still lasts."""
    rows = HealthLog.objects.filter(connection=connection)
    other = rows.exclude(status=connection.health).order_by("-checked_at", "-pk").first()
    same = rows.filter(status=connection.health)
    if other is not None:
        same = same.filter(checked_at__gt=other.checked_at)
    first = same.order_by("checked_at", "pk").values_list("checked_at", flat=True).first()
    return first or connection.health_at


def _log(connection: Connection) -> list[HealthEntry]:
    rows = HealthLog.objects.filter(connection=connection).order_by("-checked_at", "-pk")
    return [
        HealthEntry(
            status=one.status,
            label=health_label(one.status),
            check=one.check_type,
            check_label=str(HealthLog.Check(one.check_type).label),
            code=one.error,
            words=_entry_words(one),
            response_ms=one.response_ms,
            at=one.checked_at,
        )
        for one in rows[:LOG_ROWS]
    ]


def _entry_words(one: HealthLog) -> str:
    if not one.error:
        return ""
    kind = one.details.get("signal", one.check_type)
    return signal_words(kind, one.error, _spoken(kind, one.details.get("value")))
