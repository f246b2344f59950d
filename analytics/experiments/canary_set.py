"""The same labelled messages, judged anew each night by the provider in production.

What customers write moves by itself; these texts do not. Where fewer of them are read right than
chance explains, the model was changed behind its name (reference ai.md §3.7).
"""

import datetime as dt
import math
from collections.abc import Sequence

from django.db.models import Count, Q
from django.utils import timezone

from analytics.analysis.boosting import side_of
from analytics.analysis.items import Item
from analytics.analysis.judging import preview_items
from analytics.analysis.production import model_of, production_judge
from analytics.experiments.notices import close_notice, open_notice
from analytics.models import AiNotice, DriftReading, GoldItem, GoldSet, Inference
from analytics.values import Turn

SIZE = 50
# With fewer answers the night says nothing; that a provider is away is told elsewhere.
FEWEST = 30
# One night in a hundred would be as bad by chance.
LEVEL = 0.01
REFERENCE_DAYS = 28
State = DriftReading.State


def watch(day: dt.date | None = None) -> DriftReading | None:
    """Judge the set and keep how much was right; None without a provider or a set."""
    standing = production_judge()
    gold = _gold_set()
    if standing.arm.kind != "provider" or gold is None:
        return None
    items = _items(gold)
    rows = preview_items([_item(one) for one in items], standing.arm, is_fresh=True)
    reading = _reading(day or timezone.localdate(), model_of(standing.arm), gold, items, rows)
    if reading is not None:
        _keep(reading)
    return reading


def is_chance(right: int, of: int, usual: float) -> bool:
    """Tell whether so few right ones happen by chance where `usual` is the share (exact)."""
    mass = (math.comb(of, k) * usual**k * (1 - usual) ** (of - k) for k in range(right + 1))
    return math.fsum(mass) >= LEVEL


def _gold_set() -> GoldSet | None:
    """Return the newest frozen set with enough messages that may be sent."""
    fit = Q(items__sentiment__isnull=False, items__message__is_history=False)
    rows = GoldSet.objects.exclude(frozen_at=None).annotate(fit=Count("items", filter=fit))
    return rows.filter(fit__gte=SIZE).order_by("-frozen_at", "-pk").first()


def _items(gold: GoldSet) -> list[GoldItem]:
    rows = gold.items.filter(sentiment__isnull=False, message__is_history=False)
    return list(rows.order_by("pk")[:SIZE])


def _item(one: GoldItem) -> Item:
    turns = [Turn(turn["who"], turn["text"]) for turn in one.context]
    return Item(one.message_id, one.text, turns)


def _reading(
    day: dt.date, model: str, gold: GoldSet, items: Sequence[GoldItem], rows: Sequence[Inference]
) -> DriftReading | None:
    pairs = [
        (row.sentiment, one.sentiment)
        for row, one in zip(rows, items, strict=True)
        if row.status == Inference.Status.OK and row.sentiment is not None
    ]
    if len(pairs) < FEWEST:
        return None
    right = sum(side_of(said) == side_of(wanted or 0) for said, wanted in pairs)
    name = f"{model} · {gold.name}"[:200]
    usual = _usual(day, name)
    is_fine = usual is None or is_chance(right, len(pairs), usual)
    return DriftReading(
        day=day,
        analyser=name,
        state=State.OK if is_fine else State.ALERT,
        messages=len(pairs),
        figures={"right": right, "of": len(pairs), "usual": usual, "cause": "analyser"},
    )


def _usual(day: dt.date, name: str) -> float | None:
    """Return the share that was right in the nights before; None in the first one."""
    since = day - dt.timedelta(days=REFERENCE_DAYS)
    rows = DriftReading.objects.filter(
        analyser=name, day__gte=since, day__lt=day, state=State.OK
    ).values_list("figures", flat=True)
    known = [(one["right"], one["of"]) for one in rows if one.get("of")]
    total = sum(of for _right, of in known)
    # As if one more had been right and one wrong: a night without fault must not make one a fault.
    return (sum(right for right, _of in known) + 1) / (total + 2) if total else None


def _keep(reading: DriftReading) -> None:
    DriftReading.objects.bulk_create(
        [reading],
        update_conflicts=True,
        unique_fields=["day", "analyser"],
        update_fields=["state", "messages", "figures"],
    )
    if reading.state == State.ALERT:
        detail = {"day": reading.day.isoformat(), "cause": "analyser"}
        open_notice(AiNotice.Kind.DRIFT, reading.analyser, detail)
    else:
        close_notice(AiNotice.Kind.DRIFT, reading.analyser)
