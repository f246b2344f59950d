"""Slowing guessers down in PostgreSQL, so that neither a flush nor a restart forgives anything.

An attempt is counted before it is judged, by one statement, so attempts at once cannot share a
place. A success gives its count back. Nothing blocks for longer than fifteen minutes.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils import timezone

from evosense.core.schema import database_cursor, public_scope
from tenancy.models import LoginThrottle

Kind = Literal["account", "device", "address", "factor"]

# Attempts before the first pause. An office shares one address, so that has room for many people.
FREE: dict[Kind, int] = {"account": 5, "device": 5, "address": 60, "factor": 5}
FIRST_PAUSE_SECONDS = 30
LONGEST_PAUSE_SECONDS = 900
# How long failures are remembered, counted from the first. An office makes honest mistakes all
# day long, so those of an address are forgotten soon.
_DAY, _QUARTER = timedelta(days=1), timedelta(minutes=15)
MEMORY: dict[Kind, timedelta] = {
    "account": _DAY,
    "device": _DAY,
    "address": _QUARTER,
    "factor": _DAY,
}

_COUNT = """
INSERT INTO tenancy_loginthrottle AS row (subject, failures, window_started_at, blocked_until)
VALUES (%(subject)s, 1, %(now)s, NULL)
ON CONFLICT (subject) DO UPDATE SET
  failures = CASE WHEN row.blocked_until > %(now)s THEN row.failures
    WHEN row.window_started_at < %(fresh)s THEN 1 ELSE row.failures + 1 END,
  window_started_at = CASE WHEN row.blocked_until > %(now)s THEN row.window_started_at
    WHEN row.window_started_at < %(fresh)s THEN %(now)s ELSE row.window_started_at END,
  blocked_until = CASE WHEN row.blocked_until > %(now)s THEN row.blocked_until
    WHEN row.window_started_at < %(fresh)s OR row.failures + 1 < %(free)s THEN NULL
    ELSE %(now)s + make_interval(secs => least(
      %(longest)s, %(first)s * 2 ^ least(row.failures + 1 - %(free)s, 20))) END
RETURNING old.blocked_until, new.blocked_until
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether an attempt may be judged; if not, until when; if so, whether it was the last."""

    allowed: bool
    until: datetime | None = None
    was_last: bool = False


def subject_of(kind: Kind, name: str) -> bytes:
    """Return the keyed hash under which `name` is counted: the table must not list people."""
    text = f"throttle|{kind}|{name.strip().lower()}"
    return hmac.digest(settings.HMAC_KEY, text.encode(), "sha256")


def count_attempt(kind: Kind, name: str) -> Turn:
    """Count an attempt and tell whether it may be judged."""
    now = timezone.now()
    values = {
        "subject": subject_of(kind, name),
        "now": now,
        "fresh": now - MEMORY[kind],
        "free": FREE[kind],
        "first": FIRST_PAUSE_SECONDS,
        "longest": LONGEST_PAUSE_SECONDS,
    }
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_COUNT, values)
        before, after = cursor.fetchone()
    if before and before > now:
        return Turn(allowed=False, until=before)
    return Turn(allowed=True, until=after, was_last=after is not None)


def forgive(kind: Kind, name: str) -> None:
    """Forget the failures of somebody who has just shown the right thing."""
    with public_scope():
        LoginThrottle.objects.filter(subject=subject_of(kind, name)).delete()


def give_back(kind: Kind, name: str) -> None:
    """Take one attempt back: it succeeded, but others from there may still be guesses."""
    with public_scope():
        row = LoginThrottle.objects.filter(subject=subject_of(kind, name))
        row.update(failures=Greatest(F("failures") - 1, 0))
        row.filter(failures__lt=FREE[kind]).update(blocked_until=None)


def purge() -> int:
    """Drop what no longer counts; returns how many."""
    now = timezone.now()
    with public_scope():
        old = LoginThrottle.objects.filter(window_started_at__lt=now - _DAY)
        return old.filter(Q(blocked_until=None) | Q(blocked_until__lt=now)).delete()[0]
