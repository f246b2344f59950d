"""Recordings that wait for their words: taken by one UPDATE under a lease, kept with a reason.

A provider may have worked, and asks for money, although its answer was lost. So what a worker took
with it, or what ended in silence, is asked about once more at most, however many tries are left.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.db.models import Q, QuerySet
from django.utils import timezone

from analytics.models import TranscriptionJob
from evosense.core.schema import database_cursor

State = TranscriptionJob.State
# Longer than reading a file and asking may take (`working.SECONDS`).
LEASE_SECONDS = 170
MOST_ATTEMPTS = 4
# After the first, second, … attempt that failed.
PAUSES = (60, 300, 1800)
# A provider that rests costs no attempt; after this long nobody waits for it any more.
GIVE_UP_AFTER = timedelta(days=2)
# What a change of the settings may mend is asked again as far back as this.
LATELY = timedelta(days=7)
WORKER_DIED = "worker_died"
# Another provider or another limit changes nothing about these.
OF_THE_RECORDING = frozenset({"too_large", "too_long", "file_gone", "nothing_said", WORKER_DIED})

_WANT = """
INSERT INTO analytics_transcriptionjob (message_id, state, attempts, error)
SELECT id, 'waiting', 0, '' FROM messaging_message WHERE id = ANY(%s::bigint[]) ORDER BY id
ON CONFLICT (message_id) DO NOTHING
"""
_CLAIM = """
UPDATE analytics_transcriptionjob SET claim = %(claim)s,
    claimed_until = clock_timestamp() + make_interval(secs => %(lease)s),
    attempts = CASE WHEN claimed_until IS NULL THEN attempts + 1 ELSE %(most)s END
WHERE message_id IN (
    SELECT message_id FROM analytics_transcriptionjob
    WHERE state = 'waiting' AND (not_before IS NULL OR not_before <= clock_timestamp())
      AND (claimed_until IS NULL OR claimed_until <= clock_timestamp() AND attempts < %(most)s)
    ORDER BY message_id DESC LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING message_id, attempts
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A recording in one worker's hands; `attempts` counts this one."""

    id: UUID
    message_id: int
    attempts: int


def want(message_ids: Collection[int]) -> int:
    """Have recordings transcribed; one that waits, or failed, is left alone. Returns how many."""
    if not message_ids:
        return 0
    with database_cursor() as cursor:
        cursor.execute(_WANT, [sorted(set(message_ids))])
        return int(cursor.rowcount)


def claim() -> Claim | None:
    """Take the newest recording that may be asked about now; None when there is none."""
    token = uuid4()
    values = {"claim": token, "lease": LEASE_SECONDS, "most": MOST_ATTEMPTS}
    with database_cursor() as cursor:
        cursor.execute(_CLAIM, values)
        row = cursor.fetchone()
    return Claim(token, *row) if row else None


def finish(held: Claim) -> bool:
    """End the waiting; False when somebody else took it over.

    Must run in the transaction that keeps the transcript.
    """
    return bool(_held(held).delete()[0])


def fail(held: Claim, code: str) -> None:
    """End the tries; the reason stays to be seen."""
    _held(held).update(state=State.FAILED, error=code, claim=None, claimed_until=None)


def later(held: Claim, code: str, *, seconds: float | None, is_charged: bool) -> None:
    """Try again after a pause, four times in all; `is_charged`: it may have cost money."""
    if held.attempts >= MOST_ATTEMPTS:
        fail(held, code)
        return
    pause = PAUSES[held.attempts - 1] if seconds is None else max(seconds, 1.0)
    attempts = MOST_ATTEMPTS - 1 if is_charged else held.attempts
    _give_back(held, code, pause, attempts)


def wait(held: Claim, code: str, *, seconds: float) -> None:
    """Nobody was asked: look again after a pause, for two days at most, without counting it."""
    old = _held(held).filter(created_at__lt=timezone.now() - GIVE_UP_AFTER)
    if old.update(state=State.FAILED, error=code, claim=None, claimed_until=None):
        return
    _give_back(held, code, seconds, held.attempts - 1)


def put_aside() -> int:
    """End, visibly, the tries of what took its worker with it in the last one; returns how many."""
    dead = TranscriptionJob.objects.filter(
        state=State.WAITING, claimed_until__lte=timezone.now(), attempts__gte=MOST_ATTEMPTS
    )
    return dead.update(state=State.FAILED, error=WORKER_DIED, claim=None, claimed_until=None)


def ask_again() -> int:
    """Give what failed lately all of its tries: a person changed whom to ask, or the limits."""
    failed = TranscriptionJob.objects.filter(
        state=State.FAILED, created_at__gte=timezone.now() - LATELY
    )
    again = failed.exclude(error__in=OF_THE_RECORDING)
    return again.update(state=State.WAITING, attempts=0, error="", not_before=None)


def forget_waiting() -> None:
    """Forget what nobody began: the company has nothing transcribed any more."""
    TranscriptionJob.objects.filter(state=State.WAITING, claim=None).delete()


def is_due() -> bool:
    """Tell whether a worker would find something."""
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    ready = Q(not_before=None) | Q(not_before__lte=now)
    return TranscriptionJob.objects.filter(free, ready, state=State.WAITING).exists()


def _held(held: Claim) -> QuerySet[TranscriptionJob]:
    return TranscriptionJob.objects.filter(message_id=held.message_id, claim=held.id)


def _give_back(held: Claim, code: str, seconds: float, attempts: int) -> None:
    _held(held).update(
        error=code,
        attempts=attempts,
        claim=None,
        claimed_until=None,
        not_before=timezone.now() + timedelta(seconds=seconds),
    )
