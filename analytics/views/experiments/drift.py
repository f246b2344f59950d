"""Whether judgements still mean what they meant, by analyser and day."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analytics.experiments.drift import ALERT, FEWEST_MESSAGES, WATCH
from analytics.experiments.languages import moved
from analytics.experiments.listing import drift_readings
from analytics.models import DriftReading
from analytics.views.experiments.tabs import laboratory_tabs
from evosense.core.pages import answers_errors
from tenancy.permissions import requires

TONES = {"ok": "ok", "watch": "warn", "alert": "bad", "too_few": ""}


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


def _newest(readings: list[DriftReading]) -> list[DriftReading]:
    return [one for one in readings if one.day == readings[0].day]
