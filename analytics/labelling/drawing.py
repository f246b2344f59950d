"""Filling the queue: half at random, the rest where looking pays; each with its chance.

The chance makes estimates honest: a message drawn with 1 % stands for a hundred (weight 1/p).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.models import ReviewItem
from analytics.values import FEWEST_CONFIDENCE
from evosense.core.errors import Invalid
from evosense.core.ids import uuid7
from messaging.models import Message

MOST = 1_000
# Of messages that are drawn: asked of two people, to learn how far people agree.
TWICE = 0.15
DAYS = 30
_POOL = 50_000
Stratum = ReviewItem.Stratum


def draw(number: int, *, seed: int, since: datetime | None = None) -> int:
    """Add up to `number` messages of the last weeks to the queue; returns how many were new.

    Half by chance over everything received, half among what the analyser was unsure of.
    """
    if not 1 <= number <= MOST:
        raise Invalid("out_of_range", _("Draw 1 to 1,000 messages."), field="number")
    start = since or timezone.now() - timedelta(days=DAYS)
    dice = np.random.default_rng(seed)
    unsure = _received(start).filter(confidence__lt=FEWEST_CONFIDENCE)
    added = _add(_ids(_received(start)), number - number // 2, Stratum.RANDOM, dice)
    return added + _add(_ids(unsure), number // 2, Stratum.LOW_CONFIDENCE, dice)


def ask_about(
    message_ids: Sequence[int], *, stratum: str, run_id: str = "", wanted: int = 1
) -> int:
    """Add these messages to the queue; returns how many were not in it."""
    return _insert([_item(pk, stratum, None, wanted, run_id) for pk in message_ids])


def _received(since: datetime) -> QuerySet[Message]:
    rows = Message.objects.filter(
        direction="inbound", is_hidden=False, deleted_at=None, occurred_at__gte=since
    )
    return rows.exclude(text="").exclude(conversation__kind="group")


def _ids(rows: QuerySet[Message]) -> list[int]:
    return list(rows.order_by("-occurred_at", "-pk").values_list("pk", flat=True)[:_POOL])


def _add(pool: list[int], number: int, stratum: str, dice: np.random.Generator) -> int:
    if not pool or not number:
        return 0
    size = min(number, len(pool))
    chosen = dice.choice(len(pool), size=size, replace=False)
    twice = dice.random(size) < TWICE
    chance = size / len(pool)
    return _insert(
        [
            _item(pool[int(at)], stratum, chance, 2 if double else 1)
            for at, double in zip(chosen, twice, strict=True)
        ]
    )


def _item(
    message_id: int, stratum: str, chance: float | None, wanted: int, run_id: str = ""
) -> ReviewItem:
    return ReviewItem(
        public_id=uuid7(),
        message_id=message_id,
        run_id=run_id,
        stratum=stratum,
        probability=chance,
        wanted=wanted,
    )


def _insert(items: list[ReviewItem]) -> int:
    """Insert what is not there; the unique key (message, run) leaves the rest alone."""
    runs: Any = {item.run_id for item in items}
    before = ReviewItem.objects.filter(run_id__in=runs).count()
    ReviewItem.objects.bulk_create(items, ignore_conflicts=True)
    return ReviewItem.objects.filter(run_id__in=runs).count() - before
