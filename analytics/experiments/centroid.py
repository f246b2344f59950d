"""What customers write about: the middle of a week's messages against that of the weeks before.

The cosine distance of the two (reference ai.md §3.7), freed of what chance adds: a mean of few
texts never points quite where the mean of all does, and 300 texts would be 0.03 away from others
of the same kind. Thresholds are in units of how far texts lie apart in their space, measured on
demonstration texts: 0.05 is a quarter and 0.15 half of a week's messages replaced by complaints.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Avg, Count, F, IntegerField, QuerySet
from django.db.models.functions import Mod
from numpy.typing import NDArray

from analytics.models import DriftReading, EmbeddingModel, MessageEmbedding
from analytics.search.spaces import active_space
from messaging.models import Message

WATCH, ALERT = 0.05, 0.15
# Texts of a period that are looked at, and the fewest that say something.
MOST, FEWEST = 2_000, 300
# The common part of two texts of the embedded space; others are held against it.
USUAL = 0.0625
# Numbers of messages follow each other, so they are scattered before some are taken.
_SPREAD, _FACTOR = 10_007, 7_919
State = DriftReading.State
Moment = dt.datetime


@dataclass(frozen=True, slots=True)
class Middle:
    """The mean of `count` texts, each of length 1."""

    vector: NDArray[np.float64]
    count: int

    @property
    def common(self) -> float:
        """Return the squared length of the true mean, which the measured one overstates."""
        squared = float(self.vector @ self.vector)
        return (self.count * squared - 1) / (self.count - 1)


@dataclass(frozen=True, slots=True)
class Turn:
    """How far the middle went: a cosine distance, and the state that it calls for."""

    distance: float
    state: str


def turn(now: tuple[Moment, Moment], before: tuple[Moment, Moment]) -> Turn | None:
    """Compare two periods; None without enough texts of the space in use in both."""
    space = active_space()
    if space is None:
        return None
    middles = [_middle(space, *period) for period in (now, before)]
    if any(one is None for one in middles):
        return None
    return turned(*middles)  # type: ignore[arg-type]


def turned(now: Middle, before: Middle) -> Turn | None:
    """Return the turn between two middles; None where texts have nothing in common at all."""
    if min(now.common, before.common) <= 0:
        return None
    cosine = float(now.vector @ before.vector) / (now.common * before.common) ** 0.5
    distance = max(0.0, 1 - cosine)
    return Turn(distance, _state(distance * _narrowness(before.common)))


def _narrowness(common: float) -> float:
    """Return how much smaller angles are than in the embedded space, where texts lie far apart."""
    common = min(common, 0.99)
    return (common / (1 - common)) / (USUAL / (1 - USUAL))


def _state(distance: float) -> str:
    return State.ALERT if distance > ALERT else State.WATCH if distance > WATCH else State.OK


def _middle(space: EmbeddingModel, start: Moment, end: Moment) -> Middle | None:
    rows = MessageEmbedding.objects.filter(model=space, message_id__in=_drawn(start, end))
    found: dict[str, Any] = rows.aggregate(mean=Avg("embedding"), count=Count("message_id"))
    if found["count"] < FEWEST:
        return None
    return Middle(np.asarray(found["mean"], dtype=float), found["count"])


def _drawn(start: Moment, end: Moment) -> list[int]:
    """Return at most MOST customers' texts of a period, spread over it and always the same."""
    rows = _received(start, end)
    count = rows.count()
    if count > MOST:
        place = Mod(F("pk") * _FACTOR, _SPREAD, output_field=IntegerField())
        rows = rows.annotate(place=place).filter(place__lt=_SPREAD * MOST // count)
    return list(rows.values_list("pk", flat=True)[:MOST])


def _received(start: Moment, end: Moment) -> QuerySet[Message]:
    rows = Message.objects.filter(
        direction="inbound", occurred_at__gte=start, occurred_at__lt=end, deleted_at=None
    )
    return rows.exclude(text="").order_by()
