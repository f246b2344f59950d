"""Whether judgements still mean what they meant: each analyser's day against four weeks before."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db.models import Case, Count, F, IntegerField, QuerySet, Value, When
from django.db.models.functions import Concat, Floor, Least, Length
from django.utils import timezone

from analytics.experiments import languages
from analytics.experiments.metrics import EMOTIONS
from analytics.experiments.notices import close_notice, open_notice
from analytics.experiments.statistics.shapes import jensen_shannon, population_stability
from analytics.models import AiNotice, DriftReading, Inference
from analytics.values import FEWEST_CONFIDENCE

# Thresholds of reference ai.md §3.7.
WATCH, ALERT = 0.1, 0.25
FEWEST_MESSAGES = 300
REFERENCE_DAYS = 28
SENTIMENT_BINS = 10
# Longest texts of each bin, in characters.
LENGTHS = (10, 25, 50, 100, 200)
State = DriftReading.State
# Shares of languages of the day, and of the days before.
Mixes = tuple[dict[str, float], dict[str, float]]


@dataclass(slots=True)
class Shape:
    """Histograms of one analyser's judgements over some days."""

    sentiment: list[int] = field(default_factory=lambda: [0] * SENTIMENT_BINS)
    emotion: list[int] = field(default_factory=lambda: [0] * len(EMOTIONS))
    length: list[int] = field(default_factory=lambda: [0] * (len(LENGTHS) + 1))
    messages: int = 0
    unsure: int = 0
    failed: int = 0


def watch(day: dt.date | None = None) -> list[DriftReading]:
    """Read `day` (yesterday in the company's zone) and tell people what moved; idempotent."""
    day = day or timezone.localdate() - dt.timedelta(days=1)
    first, last = day - dt.timedelta(days=REFERENCE_DAYS), day - dt.timedelta(days=1)
    now, before = _shapes(day, day), _shapes(first, last)
    # Of all that customers write, whoever judges it.
    mixes = (languages.mix(*_moments(day, day)), languages.mix(*_moments(first, last)))
    readings = [_reading(day, name, shape, before.get(name), mixes) for name, shape in now.items()]
    DriftReading.objects.bulk_create(
        readings,
        update_conflicts=True,
        unique_fields=["day", "analyser"],
        update_fields=[
            "state",
            "messages",
            "psi_sentiment",
            "psi_emotion",
            "psi_length",
            "figures",
        ],
    )
    for reading in readings:
        _tell(reading)
    return readings


def _reading(
    day: dt.date, name: str, now: Shape, before: Shape | None, mixes: Mixes
) -> DriftReading:
    reading = DriftReading(day=day, analyser=name[:200], messages=now.messages)
    if now.messages < FEWEST_MESSAGES or not before or before.messages < FEWEST_MESSAGES:
        reading.state = State.TOO_FEW
        return reading
    reading.psi_sentiment = population_stability(now.sentiment, before.sentiment)
    reading.psi_emotion = population_stability(now.emotion, before.emotion)
    reading.psi_length = population_stability(now.length, before.length)
    reading.state = state_of(reading.psi_sentiment, reading.psi_emotion)
    reading.figures = {
        "shift": _shift(now.sentiment, before.sentiment),
        "emotion_divergence": jensen_shannon(now.emotion, before.emotion),
        "unsure": [_share(before.unsure, before.messages), _share(now.unsure, now.messages)],
        "failed": [_share(before.failed, before.messages), _share(now.failed, now.messages)],
        "languages": list(mixes),
        "cause": "input" if languages.moved(*mixes) else cause_of(reading.psi_length),
    }
    return reading


def state_of(*divergences: float | None) -> str:
    """Return the state that the largest divergence calls for."""
    largest = max((one for one in divergences if one is not None), default=0.0)
    return State.ALERT if largest > ALERT else State.WATCH if largest > WATCH else State.OK


def cause_of(psi_length: float | None) -> str:
    """Return "input" when the texts moved too, "analyser" when only what is said of them did."""
    return "input" if psi_length is not None and psi_length > WATCH else "analyser"


def _tell(reading: DriftReading) -> None:
    if reading.state == State.ALERT:
        detail: dict[str, Any] = {
            "day": reading.day.isoformat(),
            "sentiment": reading.psi_sentiment,
            "emotion": reading.psi_emotion,
            "cause": reading.figures.get("cause", ""),
        }
        open_notice(AiNotice.Kind.DRIFT, reading.analyser, detail)
    elif reading.state == State.OK:
        close_notice(AiNotice.Kind.DRIFT, reading.analyser)


def _moments(first: dt.date, last: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return the beginning of one day and the end of another on the company's clock."""
    zone = timezone.get_current_timezone()
    end = last + dt.timedelta(days=1)
    return dt.datetime.combine(first, dt.time(), zone), dt.datetime.combine(end, dt.time(), zone)


def _shapes(first: dt.date, last: dt.date) -> dict[str, Shape]:
    start, end = _moments(first, last)
    rows = Inference.objects.filter(
        created_at__gte=start, created_at__lt=end, is_shadow=False, run_id=""
    ).annotate(analyser=Concat("model_name", Value(" "), "prompt_version"))
    found: dict[str, Shape] = {}
    for row in _counted(rows):
        shape = found.setdefault(row["analyser"].strip(), Shape())
        _add(shape, row)
    return found


def _counted(rows: QuerySet[Inference]) -> QuerySet[Inference, Any]:
    """Count on the server: a month may hold a million judgements."""
    letters = Length("message__text")
    length = Case(
        *[When(letters__lte=most, then=Value(place)) for place, most in enumerate(LENGTHS)],
        default=Value(len(LENGTHS)),
        output_field=IntegerField(),
    )
    level = Least(Floor((F("sentiment") + 1) * (SENTIMENT_BINS / 2)), Value(SENTIMENT_BINS - 1.0))
    is_sure = Case(
        When(confidence__gte=FEWEST_CONFIDENCE, then=Value(1)),
        default=Value(0),
        output_field=IntegerField(),
    )
    return (
        rows.annotate(letters=letters)
        .annotate(level=level, length=length, is_sure=is_sure)
        .values("analyser", "status", "level", "emotion", "length", "is_sure")
        .annotate(count=Count("id"))
        .order_by()
    )


def _add(shape: Shape, row: dict[str, Any]) -> None:
    count = row["count"]
    shape.messages += count
    shape.length[row["length"]] += count
    if row["status"] != Inference.Status.OK:
        shape.failed += count
        return
    shape.sentiment[int(row["level"])] += count
    shape.emotion[EMOTIONS.index(row["emotion"])] += count
    shape.unsure += 0 if row["is_sure"] else count


def _shift(now: Sequence[int], before: Sequence[int]) -> float | None:
    """Return how far the mean sentiment moved, in standard errors of the day's mean."""
    middles = (np.arange(SENTIMENT_BINS) + 0.5) / (SENTIMENT_BINS / 2) - 1
    p, q = np.asarray(now, dtype=float), np.asarray(before, dtype=float)
    if not p.sum() or not q.sum():
        return None
    mean, reference = (p @ middles) / p.sum(), (q @ middles) / q.sum()
    spread = (q @ np.square(middles - reference)) / q.sum()
    return float((mean - reference) / np.sqrt(spread / p.sum())) if spread > 0 else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
