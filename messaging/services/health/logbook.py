"""The log of looks: a row when something changed, and now and then when nothing did."""

from datetime import datetime, timedelta

from django.utils import timezone

from messaging.models import Connection, HealthLog
from messaging.services.health.verdict import Finding, gravest

UNCHANGED_EVERY = timedelta(minutes=10)
KEPT_FOR = timedelta(days=30)
AT_ONCE = 5_000
_CHECKS = {"events": HealthLog.Check.EVENT}


def note(
    connection: Connection,
    *,
    status: str,
    before: list[Finding],
    findings: list[Finding],
    check: str,
    milliseconds: int | None,
    now: datetime,
) -> None:
    """Write what a look concluded: when it is news, and else once in ten minutes.

    `connection` and `before` are as the look before left them, so nothing has to be read.
    """
    grave, past = gravest(findings), gravest(before)
    code = grave.code if grave else ""
    is_same = (status, code) == (connection.health, past.code if past else "")
    if is_same and not is_next(connection.health_at, now, UNCHANGED_EVERY):
        return
    details = {"signal": grave.signal, "value": grave.value} if grave else {}
    spoken = grave.signal if grave else "probe"
    HealthLog.objects.create(
        connection=connection,
        status=status,
        check_type=check or _CHECKS.get(spoken, spoken),
        response_ms=milliseconds,
        error=code,
        details=details,
        checked_at=now,
    )


def is_next(before: datetime | None, now: datetime, period: timedelta) -> bool:
    """Tell whether `now` is in another period of the clock than the look before."""
    return before is None or before.timestamp() // period.total_seconds() != (
        now.timestamp() // period.total_seconds()
    )


def forget_old_looks() -> int:
    """Delete looks after 30 days, in pieces; returns how many."""
    total = 0
    while True:
        old = HealthLog.objects.filter(checked_at__lt=timezone.now() - KEPT_FOR)
        ids = list(old.order_by("checked_at").values_list("pk", flat=True)[:AT_ONCE])
        if not ids:
            return total
        total += HealthLog.objects.filter(pk__in=ids).delete()[0]
