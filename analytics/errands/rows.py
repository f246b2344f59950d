"""The rows of errands: finding them, ending them, and forgetting them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analytics.models import Errand
from evosense.core.errors import NotFound

State = Errand.State
OPEN = (State.WAITING, State.RUNNING)
# They hold customers' words, and nobody asks for yesterday's.
KEPT = timedelta(days=1)


def errand_of(public_id: UUID, *kinds: str) -> Errand:
    """Return an errand of one of these kinds, of any without; raises NotFound."""
    rows = Errand.objects.filter(public_id=public_id)
    found = (rows.filter(kind__in=kinds) if kinds else rows).first()
    if found is None:
        raise NotFound(
            "errand_not_found", _("There is no such request, or it is not kept any more.")
        )
    return found


def latest(kind: str, subject: UUID, *, asked_by: int | None = None) -> Errand | None:
    """Return the newest errand about something; only those of one person with `asked_by`."""
    rows = Errand.objects.filter(kind=kind, subject=str(subject))
    if asked_by is not None:
        rows = rows.filter(asked_by=asked_by)
    return rows.order_by("-pk").first()


def state_of(errand: Errand) -> str:
    """Return the state as it is now: nobody waits beyond the time of an errand."""
    if errand.state in OPEN and errand.expires_at <= timezone.now():
        return State.EXPIRED
    return errand.state


def is_open(errand: Errand | None) -> bool:
    """Tell whether there is still something to wait for."""
    return errand is not None and state_of(errand) in OPEN


def end(errand: Errand, state: str, *, result: Any = None, error: str = "") -> bool:
    """Close an errand that is under way; False when it was cancelled or replaced meanwhile."""
    rows = Errand.objects.filter(pk=errand.pk, state=State.RUNNING)
    return bool(rows.update(state=state, result=result, error=error[:40], ended_at=timezone.now()))


def cancel(errand: Errand) -> bool:
    """Wait for it no longer; what a provider was asked already is paid for, and dropped."""
    rows = Errand.objects.filter(pk=errand.pk, state__in=OPEN)
    return bool(rows.update(state=State.CANCELLED, ended_at=timezone.now()))


def expire(rows: QuerySet[Errand]) -> None:
    """Close those of `rows` that nobody waits for any more."""
    late = rows.filter(state__in=OPEN, expires_at__lte=timezone.now())
    late.update(state=State.EXPIRED, ended_at=timezone.now())


def forget_old() -> int:
    """Delete the errands whose day is over; returns how many."""
    expire(Errand.objects.all())
    old = Errand.objects.filter(created_at__lt=timezone.now() - KEPT)
    return old.exclude(state__in=OPEN).delete()[0]
