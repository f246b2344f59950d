"""Whether judgements still mean what they meant, by analyser and day."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analytics.experiments.drift import ALERT, FEWEST_MESSAGES, WATCH, state_of
from analytics.experiments.languages import moved
from analytics.experiments.listing import drift_readings
from analytics.models import DriftReading
from analytics.views.experiments.tabs import laboratory_tabs
from evosense.core.charts import bars, nice_top
from evosense.core.pages import answers_errors
from evosense.core.wording import number_words
from tenancy.permissions import requires

TONES = {"ok": "ok", "watch": "warn", "alert": "bad", "too_few": ""}
_FILLS = {"ok": "fo", "watch": "fw", "alert": "fb"}
_CHARTED_DAYS, _TICKS = 30, 2


@requires("experiments.view")
@require_safe
@answers_errors
def experiment_drift(request: HttpRequest) -> HttpResponse:
    """Show the last month."""
    readings = drift_readings()
    context = {
        "rows": [
            {"reading": one, "tone": TONES[one.state], "languages": _languages(one)}
            for one in readings
        ],
        "alerts": [one for one in _newest(readings) if one.state == DriftReading.State.ALERT],
        "chart": _chart(readings),
        "tabs": laboratory_tabs(request, "drift"),
        "watch": WATCH,
        "alert": ALERT,
        "fewest": FEWEST_MESSAGES,
    }
    return render(request, "analytics/experiments/drift.html", context)


def _languages(reading: DriftReading) -> str:
    """Return how the languages moved, "" where they did not."""
    pair: list[dict[str, float]] = reading.figures.get("languages") or [{}, {}]
    now, before = pair
    if not moved(now, before):
        return ""
    names = {"pt": _("Portuguese"), "es": _("Spanish"), "en": _("English")}
    return ", ".join(
        f"{names[one]} {round(before.get(one, 0) * 100)}% → {round(now.get(one, 0) * 100)}%"
        for one in names
        if one in now or one in before
    )


def _chart(readings: Sequence[DriftReading]) -> dict[str, Any] | None:
    """Return the larger PSI of each day of the newest analyser that has any; None for none."""
    read = [one for one in readings if one.psi_sentiment is not None]
    if not read:
        return None
    name, last = read[0].analyser, read[0].day
    by_day = {one.day: _largest(one) for one in read if one.analyser == name}
    days = [last - timedelta(days=back) for back in reversed(range(_CHARTED_DAYS))]
    values = [by_day.get(day) for day in days]
    top = nice_top([ALERT, *by_day.values()])
    labels = [date_format(day, "SHORT_DATE_FORMAT") for day in days]
    drawn = bars(values, labels=labels, top=top)
    return {
        "analyser": name,
        "bars": [(one, _FILLS[state_of(one.value)]) for one in drawn if one.value is not None],
        "marks": [f"M0 {100 - 100 * mark / top:.1f}h100" for mark in (WATCH, ALERT)],
        "ticks": [number_words(top * step / _TICKS, 2) for step in range(_TICKS, -1, -1)],
        "ends": [labels[0], labels[-1]],
    }


def _largest(reading: DriftReading) -> float:
    return max(reading.psi_sentiment or 0.0, reading.psi_emotion or 0.0)


def _newest(readings: list[DriftReading]) -> list[DriftReading]:
    return [one for one in readings if one.day == readings[0].day]
