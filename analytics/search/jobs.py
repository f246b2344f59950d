"""Messages whose place is not known yet: a row each, taken under a lease, gone with the place."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from analytics.models import EmbeddingJob
from evosense.core.schema import database_cursor

BATCH = 200
LEASE = timedelta(seconds=170)
# After the first, second, … failure of a provider.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 900, 3600))

# Ids of messages that are gone are left out; one order, so that two events about the same messages
# never wait for each other.
_WANT = """
INSERT INTO analytics_embeddingjob (message_id, attempts)
SELECT id, 0 FROM messaging_message WHERE id = ANY(%s::bigint[]) ORDER BY id
ON CONFLICT (message_id)
"""
_ONCE = f"{_WANT} DO NOTHING"
# A claim by somebody who read the words of before is taken away.
_AGAIN = f"{_WANT} DO UPDATE SET attempts = 0, claimed_until = NULL, not_before = NULL"
_CLAIM = """
UPDATE analytics_embeddingjob SET claimed_until = %(until)s, attempts = attempts + 1
WHERE message_id IN (
    SELECT message_id FROM analytics_embeddingjob
    WHERE (claimed_until IS NULL OR claimed_until <= %(now)s)
      AND (not_before IS NULL OR not_before <= %(now)s)
    ORDER BY message_id DESC LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING message_id, attempts
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """Messages in one worker's hands until a moment, which is also how the claim is known."""

    until: datetime
    attempts: dict[int, int]

    @property
    def message_ids(self) -> list[int]:
        return sorted(self.attempts, reverse=True)


def want_embeddings(message_ids: Collection[int]) -> None:
    """Have messages placed that have no place; safe to repeat."""
    with database_cursor() as cursor:
        cursor.execute(_ONCE, [sorted(set(message_ids))])


def want_again(message_ids: Collection[int]) -> None:
    """Have messages placed anew that say something else now, or nothing any more."""
    if message_ids:
        with database_cursor() as cursor:
            cursor.execute(_AGAIN, [sorted(set(message_ids))])


def claim(most: int = BATCH) -> Claim:
    """Take up to `most` waiting messages, the newest first; empty when there is none."""
    now = timezone.now()
    until = now + LEASE
    with database_cursor() as cursor:
        cursor.execute(_CLAIM, {"until": until, "now": now, "most": most})
        return Claim(until, dict(cursor.fetchall()))


def finish(held: Claim) -> set[int]:
    """End the waiting and return of which: those that nobody else took over or changed meanwhile.

    Must run in the transaction that stores the places.
    """
    rows = EmbeddingJob.objects.filter(message_id__in=held.attempts, claimed_until=held.until)
    ended = set(rows.select_for_update().order_by("pk").values_list("message_id", flat=True))
    EmbeddingJob.objects.filter(message_id__in=ended).delete()
    return ended


def postpone(held: Claim) -> None:
    """Give messages back whose provider did not answer; they come again after a pause."""
    now = timezone.now()
    rows = EmbeddingJob.objects.filter(claimed_until=held.until)
    for pk, attempts in held.attempts.items():
        pause = PAUSES[min(attempts, len(PAUSES)) - 1]
        rows.filter(message_id=pk).update(claimed_until=None, not_before=now + pause)


def is_due() -> bool:
    """Tell whether a worker would find something."""
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    ready = Q(not_before=None) | Q(not_before__lte=now)
    return EmbeddingJob.objects.filter(free, ready).exists()


def waiting() -> int:
    """Return how many messages have no place yet."""
    return EmbeddingJob.objects.count()
