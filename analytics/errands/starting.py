"""Beginning errands: however often the same is asked, one is done."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.errands import rows
from analytics.errands.tasks import run_errand
from analytics.errands.work import SECONDS
from analytics.models import Errand
from evosense.core.errors import Conflict
from evosense.core.ids import random_token, uuid7
from tenancy.db.tickets import fair_enqueue

# How long one may wait for its turn.
QUEUE_SECONDS = 60
# What two people ask is two things: the answer carries a name, or somebody may cancel it.
_OF_ONE_PERSON = frozenset({Errand.Kind.PLAYGROUND, Errand.Kind.REPLIES})
_LONGEST_TOKEN = 100


def form_token() -> str:
    """Return what makes one form count once; it goes into the form and comes back with it."""
    return random_token()


def start(
    kind: str,
    *,
    subject: UUID | None = None,
    request: Mapping[str, Any] | None = None,
    asked_by: int | None = None,
    token: str = "",
) -> Errand:
    """Return an errand that will be done: the one under way for the same, or a new one.

    With the `token` of a form also the one that this form began, however it ended.
    """
    about = str(subject or "")
    asked = dict(request or {})
    key = _digest(kind, about, asked, asked_by if kind in _OF_ONE_PERSON else None)
    form_key = _digest(key, token[:_LONGEST_TOKEN]) if token else ""
    # Another one may end between the refused insert and the look at it.
    for _attempt in range(3):
        with transaction.atomic():
            rows.expire(Errand.objects.filter(key=key))
            made = Errand(
                public_id=uuid7(),
                kind=kind,
                subject=about,
                asked_by=asked_by,
                key=key,
                form_key=form_key,
                request=asked,
                expires_at=_expiry(kind),
            )
            Errand.objects.bulk_create([made], ignore_conflicts=True)
            found = _standing(made)
            if found is not None and found.public_id == made.public_id:
                fair_enqueue("asked", run_errand, errand_pk=found.pk)
        if found is not None:
            return found
    raise Conflict("busy", _("The same is being done right now. Try again."))


def _standing(made: Errand) -> Errand | None:
    """Return the errand that stands for this wish now: of the same form, or open."""
    if made.form_key:
        same = Errand.objects.filter(form_key=made.form_key).first()
        if same is not None:
            return same
    return Errand.objects.filter(key=made.key, state__in=rows.OPEN).first()


def _expiry(kind: str) -> Any:
    return timezone.now() + timedelta(seconds=QUEUE_SECONDS + SECONDS[Errand.Kind(kind)])


def _digest(*parts: Any) -> str:
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()
