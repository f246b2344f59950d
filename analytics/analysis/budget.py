"""A month's budget: held before a call by one conditional UPDATE, corrected after it.

Tokens and money are both kept; a limit that is null does not bind. Experiments and conversation
analyses have a share of the whole and count in both. Money counts in the currency of the budget;
under a limit of money nobody is asked whose price is in another one (`paid.why_uncountable`).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from analytics.models import AiBudget, AiNotice, AiSettings, ExperimentRun, Reservation
from evosense.core.schema import current_tenant, database_cursor

WARNED_FROM = 80
# Longer than any call may take; who holds it then is dead.
FORGOTTEN_AFTER = timedelta(minutes=15)

_ENSURE = """
    INSERT INTO analytics_aibudget (month, part, used_tokens, reserved_tokens, used_micros,
                                    reserved_micros)
    VALUES (%s, %s, 0, 0, 0, 0) ON CONFLICT (month, part) DO NOTHING"""
_RESERVE = """
    UPDATE analytics_aibudget SET reserved_tokens = reserved_tokens + %(tokens)s,
        reserved_micros = reserved_micros + %(micros)s
    WHERE month = %(month)s AND part = %(part)s
      AND (%(most_tokens)s::bigint IS NULL
           OR used_tokens + reserved_tokens + %(tokens)s <= %(most_tokens)s::bigint)
      AND (%(most_micros)s::bigint IS NULL
           OR used_micros + reserved_micros + %(micros)s <= %(most_micros)s::bigint)"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a part may use in a month: tokens, and millionths of the currency; None: no limit."""

    tokens: int | None
    micros: int | None


def reserve(
    settings: AiSettings, part: str, *, tokens: int, micros: int, run_id: str = ""
) -> Reservation | None:
    """Hold what a call may cost; None when it would go beyond a limit, of which people are told.

    With the `run_id` of an experiment it is held in that one's budget too.
    """
    month = this_month()
    try:
        with transaction.atomic():
            if not _hold_of_run(run_id, micros):
                return None
            for each in _parts(part):
                _hold(settings, month, each, tokens, micros)
            return Reservation.objects.create(month=month, part=part, tokens=tokens, micros=micros)
    except _Exhausted as error:
        _tell_exhausted(month, error.part)
        return None


def settle(
    held: Reservation, settings: AiSettings, *, tokens: int, micros: int, run_id: str = ""
) -> None:
    """Replace what was held by what was used, also where the sweep booked it meanwhile."""
    with transaction.atomic():
        _spend_of_run(run_id, micros - held.micros)
        is_held = bool(Reservation.objects.filter(pk=held.pk).delete()[0])
        if is_held:
            _book(held, tokens=tokens, micros=micros, is_held=True)
        else:
            _book(held, tokens=tokens - held.tokens, micros=micros - held.micros, is_held=False)
    for part in _parts(held.part):
        _warn(settings, held.month, part)


def _book(held: Reservation, *, tokens: int, micros: int, is_held: bool) -> None:
    for part in _parts(held.part):
        AiBudget.objects.filter(month=held.month, part=part).update(
            used_tokens=F("used_tokens") + tokens,
            used_micros=F("used_micros") + micros,
            reserved_tokens=F("reserved_tokens") - (held.tokens if is_held else 0),
            reserved_micros=F("reserved_micros") - (held.micros if is_held else 0),
        )


def book_forgotten() -> int:
    """Count what calls hold whose worker died as used; returns how many.

    Whether such a call left, and what it took, nobody knows: a provider bills it all the same.
    """
    old = timezone.now() - FORGOTTEN_AFTER
    booked = 0
    for held in Reservation.objects.filter(created_at__lt=old).order_by("pk")[:500]:
        with transaction.atomic():
            if not Reservation.objects.filter(pk=held.pk).delete()[0]:
                continue
            _book(held, tokens=held.tokens, micros=held.micros, is_held=True)
        booked += 1
    return booked


def limits_of(settings: AiSettings, part: str) -> Limits:
    """Return what a part may use in a month."""
    share = {
        AiBudget.Part.EXPERIMENTS: settings.experiments_share,
        AiBudget.Part.CONVERSATIONS: settings.conversations_share,
    }.get(AiBudget.Part(part), 100)
    return Limits(_share(settings.token_limit, share), _share(settings.cost_limit_micros, share))


def today() -> date:
    """Return the day on the company's clock; a worker's own is UTC."""
    return timezone.localdate(timezone=ZoneInfo(current_tenant().timezone))


def this_month() -> date:
    """Return the first day of the month on the company's clock."""
    return today().replace(day=1)


def used_percent(row: AiBudget, limits: Limits) -> int:
    """Return how much of its limits a part used, in percent; 0 without limits."""
    pairs = ((row.used_tokens, limits.tokens), (row.used_micros, limits.micros))
    return max(
        (100 if not most else used * 100 // most for used, most in pairs if most is not None),
        default=0,
    )


class _Exhausted(Exception):  # noqa: N818  (read as a sentence where raised)
    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


def _hold(settings: AiSettings, month: date, part: str, tokens: int, micros: int) -> None:
    most = limits_of(settings, part)
    with database_cursor() as cursor:
        cursor.execute(_ENSURE, [month, part])
        cursor.execute(
            _RESERVE,
            {
                "month": month,
                "part": part,
                "tokens": tokens,
                "micros": micros,
                "most_tokens": most.tokens,
                "most_micros": most.micros,
            },
        )
        if not cursor.rowcount:
            raise _Exhausted(part)


def _hold_of_run(run_id: str, micros: int) -> bool:
    """Count what a call may cost as spent by an experiment; False when its budget has no room.

    Its worker counts again from the calls themselves, so a hold of a dead one does not stay.
    """
    if not run_id:
        return True
    room = Q(budget_micros=None) | Q(budget_micros__gte=F("spent_micros") + micros)
    runs = ExperimentRun.objects.filter(run_id=run_id)
    held = runs.filter(room).update(spent_micros=F("spent_micros") + micros)
    # The playground's calls carry a mark too, and no experiment stands behind it.
    return bool(held) or not runs.exists()


def is_run_short(run_id: str, micros: int) -> bool:
    """Tell whether it is an experiment's own budget that has no room for a call."""
    full = Q(budget_micros__lt=F("spent_micros") + micros)
    return bool(run_id) and ExperimentRun.objects.filter(full, run_id=run_id).exists()


def _spend_of_run(run_id: str, micros: int) -> None:
    if run_id:
        runs = ExperimentRun.objects.filter(run_id=run_id)
        runs.update(spent_micros=F("spent_micros") + micros)


def _parts(part: str) -> list[str]:
    """Return the rows that a call counts in, in the order in which everybody locks them."""
    return [AiBudget.Part.ALL.value] + ([part] if part != AiBudget.Part.ALL else [])


def _share(limit: int | None, percent: int) -> int | None:
    return None if limit is None else limit * percent // 100


def _warn(settings: AiSettings, month: date, part: str) -> None:
    row = AiBudget.objects.filter(month=month, part=part, warned_at=None).first()
    if row is None or used_percent(row, limits_of(settings, part)) < WARNED_FROM:
        return
    told = AiBudget.objects.filter(pk=row.pk, warned_at=None).update(warned_at=timezone.now())
    if told:
        _notice(AiNotice.Kind.BUDGET_WARNING, month, part)


def _tell_exhausted(month: date, part: str) -> None:
    AiBudget.objects.get_or_create(month=month, part=part)
    rows = AiBudget.objects.filter(month=month, part=part, exhausted_at=None)
    if rows.update(exhausted_at=timezone.now()):
        _notice(AiNotice.Kind.BUDGET_EXHAUSTED, month, part)


def _notice(kind: str, month: date, part: str) -> None:
    detail = {"month": month.isoformat(), "part": part}
    notice = AiNotice(kind=kind, subject=f"{month:%Y-%m}:{part}", detail=detail)
    AiNotice.objects.bulk_create([notice], ignore_conflicts=True)
