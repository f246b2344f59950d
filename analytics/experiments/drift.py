"""Whether judgements still mean what they meant: each analyser's day against four weeks before.

A judgement belongs to the day its message was written: after an outage, or with imported history,
thousands are made on one day. A day with too few is read with the week that ends with it.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db.models import Case, Count, F, IntegerField, QuerySet, Value, When
from django.db.models.functions import Concat, Floor, Least, Length
from django.utils import timezone

from analytics.experiments import centroid, languages
from analytics.experiments.metrics import EMOTIONS
from analytics.experiments.notices import close_notice, open_notice
from analytics.experiments.statistics.shapes import jensen_shannon, population_stability
from analytics.models import AiNotice, DriftReading, Inference
from analytics.values import FEWEST_CONFIDENCE

# Thresholds of reference ai.md §3.7.
WATCH, ALERT = 0.1, 0.25
FEWEST_MESSAGES = 300
REFERENCE_DAYS = 28
WEEK = 7
SENTIMENT_BINS = 10
# Longest texts of each bin, in characters.
LENGTHS = (10, 25, 50, 100, 200)
State = DriftReading.State
# Shares of languages of the day, and of the days before.
Mixes = tuple[dict[str, float], dict[str, float]]
_ORDER = (State.OK, State.WATCH, State.ALERT)


@dataclass(frozen=True, slots=True)
class Texts:
    """What is known of the texts of a period, whoever judges them."""

    mixes: Mixes
    turn: centroid.Turn | None

    @property
    def have_moved(self) -> bool:
        return languages.moved(*self.mixes) or bool(self.turn and self.turn.state != State.OK)


@dataclass(slots=True)
class Shape:
    """Histograms of one analyser's judgements over some days."""

    sentiment: list[int] = field(default_factory=lambda: [0] * SENTIMENT_BINS)
    emotion: list[int] = field(default_factory=lambda: [0] * len(EMOTIONS))
    length: list[int] = field(default_factory=lambda: [0] * (len(LENGTHS) + 1))
    # Of how many days.
    days: int = 1
    messages: int = 0
    unsure: int = 0
    failed: int = 0


# Of a period, and of the weeks before it.
Pair = tuple[Shape, Shape]


def watch(day: dt.date | None = None) -> list[DriftReading]:
    """Read `day` (yesterday in the company's zone) and tell people what moved; idempotent."""
    day = day or timezone.localdate() - dt.timedelta(days=1)
    compared = _compared(day)
    texts = _texts(day) if compared else None
    readings = [_reading(day, name, pair, texts) for name, pair in compared.items()]
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


def _reading(day: dt.date, name: str, pair: Pair, texts: Texts | None) -> DriftReading:
    now, before = pair
    reading = DriftReading(day=day, analyser=name[:200], messages=now.messages)
    if _are_few(pair) or texts is None:
        reading.state = State.TOO_FEW
        return reading
    reading.psi_sentiment = population_stability(now.sentiment, before.sentiment)
    reading.psi_emotion = population_stability(now.emotion, before.emotion)
    reading.psi_length = population_stability(now.length, before.length)
    judged = state_of(reading.psi_sentiment, reading.psi_emotion)
    reading.state = max(judged, texts.turn.state if texts.turn else State.OK, key=_ORDER.index)
    reading.figures = {
        "days": now.days,
        "shift": _shift(now.sentiment, before.sentiment),
        "emotion_divergence": jensen_shannon(now.emotion, before.emotion),
        "unsure": [_share(before.unsure, before.messages), _share(now.unsure, now.messages)],
        "failed": [_share(before.failed, before.messages), _share(now.failed, now.messages)],
        "languages": list(texts.mixes),
        "centroid": texts.turn.distance if texts.turn else None,
        "judged": judged,
        "cause": "input" if texts.have_moved else cause_of(reading.psi_length),
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


def _compared(day: dt.date) -> dict[str, Pair]:
    """Return each analyser of the day with what it is held against, by the week if need be."""
    found = _pairs(day, 1)
    if any(map(_are_few, found.values())):
        weeks = _pairs(day, WEEK)
        found |= {name: weeks[name] for name, pair in found.items() if _are_few(pair)}
    return found


def _pairs(day: dt.date, days: int) -> dict[str, Pair]:
    """Return the shapes of the `days` that end with `day`, and of the four weeks before them."""
    first = day - dt.timedelta(days=days - 1)
    now, before = _shapes(first, day), _shapes(*_reference(first))
    for shape in now.values():
        shape.days = days
    return {name: (shape, before.get(name, Shape())) for name, shape in now.items()}


def _are_few(pair: Pair) -> bool:
    return min(shape.messages for shape in pair) < FEWEST_MESSAGES


def _reference(first: dt.date) -> tuple[dt.date, dt.date]:
    """Return the first and the last day of what a period from `first` on is held against."""
    return first - dt.timedelta(days=REFERENCE_DAYS), first - dt.timedelta(days=1)


def _texts(day: dt.date) -> Texts:
    """Look at what customers write, by the week: a day of it is about this and that."""
    first = day - dt.timedelta(days=WEEK - 1)
    now, before = _moments(first, day), _moments(*_reference(first))
    return Texts((languages.mix(*now), languages.mix(*before)), centroid.turn(now, before))


def _moments(first: dt.date, last: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return the beginning of one day and the end of another on the company's clock."""
    zone = timezone.get_current_timezone()
    end = last + dt.timedelta(days=1)
    return dt.datetime.combine(first, dt.time(), zone), dt.datetime.combine(end, dt.time(), zone)


def _shapes(first: dt.date, last: dt.date) -> dict[str, Shape]:
    start, end = _moments(first, last)
    rows = Inference.objects.filter(
        message__occurred_at__gte=start,
        message__occurred_at__lt=end,
        is_shadow=False,
        run_id="",
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
