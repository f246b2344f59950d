"""Taking waiting messages, and giving them back: by one UPDATE, under a lease."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from analytics.models import AnalysisJob
from evosense.core.schema import TenantRef, database_cursor, tenant_scope
from tenancy.selectors.tenants import ready_tenants

# Longer than any judging may take (analysis.dialogue.DEADLINE_SECONDS).
LEASE_SECONDS = 180
# A message that killed its worker or broke the code this often is left for a person to look at.
MOST_ATTEMPTS = 6
# Pauses before a provider is asked again about what the embedded analyser judged meanwhile.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60, 240, 720, 1440))

# Newest first: people read the latest messages, and those below them may wait.
_CLAIM = """
    UPDATE analytics_analysisjob SET claim = %(claim)s, attempts = attempts + 1,
        claimed_until = clock_timestamp() + make_interval(secs => %(lease)s)
    WHERE message_id IN (
        SELECT message_id FROM analytics_analysisjob
        WHERE state <> 'failed' AND (not_before IS NULL OR not_before <= clock_timestamp())
          AND {free}
        ORDER BY occurred_at DESC, message_id DESC LIMIT %(most)s FOR UPDATE SKIP LOCKED)
    RETURNING message_id, attempts"""
_UNTOUCHED = _CLAIM.format(free="claimed_until IS NULL")
# What a dead worker held may be what killed it: its neighbours must not be lost with it.
_ABANDONED = _CLAIM.format(free="claimed_until <= clock_timestamp()")


@dataclass(frozen=True, slots=True)
class Claim:
    """Messages in one worker's hands; `attempts` counts this one."""

    id: UUID
    attempts: Mapping[int, int]

    def of(self, message_id: int) -> "Claim":
        """Return the hold on one of the messages alone."""
        return Claim(self.id, {message_id: self.attempts[message_id]})

    @property
    def message_ids(self) -> list[int]:
        return list(self.attempts)


_NONE = Claim(uuid4(), {})


def claim(most: int, *, lease_seconds: int = LEASE_SECONDS) -> Claim:
    """Take up to `most` waiting messages, the newest first; empty when none may be taken.

    What a dead worker left behind is taken one message at a time, when nothing else waits.
    """
    return _taken(_UNTOUCHED, most, lease_seconds) or _taken(_ABANDONED, 1, lease_seconds) or _NONE


def _taken(statement: str, most: int, lease_seconds: int) -> Claim | None:
    token = uuid4()
    with database_cursor() as cursor:
        cursor.execute(statement, {"claim": token, "lease": lease_seconds, "most": most})
        rows = dict(cursor.fetchall())
    return Claim(token, rows) if rows else None


def still_held(held: Claim) -> set[int]:
    """Lock and return what is still in these hands: not edited, deleted or taken over meanwhile.

    Must run in the transaction that writes the judgements.
    """
    rows = _rows_of(held).select_for_update().order_by("message_id")
    return set(rows.values_list("message_id", flat=True))


def _rows_of(held: Claim) -> QuerySet[AnalysisJob]:
    return AnalysisJob.objects.filter(claim=held.id, message_id__in=held.message_ids)


def finish(message_ids: Collection[int]) -> None:
    """End the waiting of messages."""
    AnalysisJob.objects.filter(message_id__in=message_ids).delete()


def defer(held: Claim, errors: Mapping[int, str]) -> None:
    """Have the provider asked again later about these, up to six times; `errors` says why."""
    now = timezone.now()
    given_up = [pk for pk in errors if held.attempts[pk] > len(PAUSES)]
    finish(given_up)
    for pk in set(errors) - set(given_up):
        AnalysisJob.objects.filter(message_id=pk).update(
            state=AnalysisJob.State.DEFERRED,
            error=errors[pk],
            not_before=now + PAUSES[held.attempts[pk] - 1],
            claim=None,
            claimed_until=None,
        )


def give_back(held: Claim, error: str, *, counts: bool = True) -> None:
    """Return what could not be judged at all; what failed too often is put aside, visibly.

    Without `counts` nothing was wrong with the messages, and it is not held against them.
    """
    rows = _rows_of(held)
    if not counts:
        rows.update(attempts=F("attempts") - 1)
    rows.filter(attempts__gte=MOST_ATTEMPTS).update(
        state=AnalysisJob.State.FAILED, error=error, claim=None, claimed_until=None
    )
    rows.update(
        error=error,
        claim=None,
        claimed_until=None,
        not_before=timezone.now() + timedelta(seconds=30),
    )


def due(now: datetime | None = None) -> bool:
    """Tell whether a worker would find something."""
    now = now or timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    ready = Q(not_before=None) | Q(not_before__lte=now)
    return AnalysisJob.objects.exclude(state=AnalysisJob.State.FAILED).filter(free, ready).exists()


def deferred() -> bool:
    """Tell whether messages wait for a provider to be back."""
    return _deferred().exists()


def ask_again() -> int:
    """Make all that was deferred due now, with all of its tries: a person chose another provider.

    Returns how many.
    """
    return _deferred().update(not_before=timezone.now(), attempts=0, is_early=False)


def ask_early(most: int) -> int:
    """Make the newest `most` of what was deferred due now, when a provider seems to be back.

    Once for each message, and not counted among its tries: a provider that comes and goes must
    not use them up within minutes. Returns how many.
    """
    rows = _deferred().filter(is_early=False, claim=None).order_by("-occurred_at", "-message_id")
    return AnalysisJob.objects.filter(
        message_id__in=list(rows.values_list("message_id", flat=True)[:most])
    ).update(not_before=timezone.now(), attempts=Greatest(F("attempts") - 1, 0), is_early=True)


def _deferred() -> QuerySet[AnalysisJob]:
    return AnalysisJob.objects.filter(
        state=AnalysisJob.State.DEFERRED, not_before__gt=timezone.now()
    )


def waiting(tenant: TenantRef | None) -> int:
    """Count messages without a judgement, of one company or of all that may work."""
    total = 0
    for each in [tenant] if tenant else ready_tenants():
        if not each.is_restricted():
            with tenant_scope(each):
                total += AnalysisJob.objects.filter(state=AnalysisJob.State.WAITING).count()
    return total


def put_aside() -> int:
    """Put aside, visibly, what took its workers with it too often; returns how many."""
    return (
        AnalysisJob.objects.filter(claimed_until__lte=timezone.now(), attempts__gte=MOST_ATTEMPTS)
        .exclude(state=AnalysisJob.State.FAILED)
        .update(state=AnalysisJob.State.FAILED, error="worker_died", claim=None, claimed_until=None)
    )
