"""Experiments as lists and pages need them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Prefetch

from analytics.experiments.arms import names_of
from analytics.models import Arm, DriftReading, ExperimentRun
from evosense.core.pagination import Page, newest_first

PAGE = 30
Status = ExperimentRun.Status


@dataclass(frozen=True, slots=True)
class RunFilter:
    """`state` is open, done or nothing; `mode` one of the modes or nothing."""

    state: str = ""
    mode: str = ""


STATES = {
    "open": [Status.DRAFT, Status.RUNNING, Status.PAUSED],
    "done": [Status.COMPLETED, Status.FAILED, Status.CANCELLED],
}


def run_page(
    narrowed: RunFilter, *, cursor: str | None = None, limit: int = PAGE
) -> Page[ExperimentRun]:
    """Return experiments with their sides, the newest first."""
    sides = Arm.objects.select_related("template").order_by("-is_baseline", "pk")
    rows = ExperimentRun.objects.select_related("gold_set").prefetch_related(
        Prefetch("arms", queryset=sides)
    )
    if narrowed.state in STATES:
        rows = rows.filter(status__in=STATES[narrowed.state])
    if narrowed.mode in ExperimentRun.Mode.values:
        rows = rows.filter(mode=narrowed.mode)
    return newest_first(rows, field="created_at", limit=limit, cursor=cursor)


def sides_in_words(arms: Sequence[Arm]) -> str:
    """Return the names of sides that are already read, the baseline first."""
    return " · ".join(names_of(list(arms)).values())


def drift_readings(days: int = 30) -> list[DriftReading]:
    """Return the last readings of each analyser, the newest day first."""
    return list(DriftReading.objects.order_by("-day", "analyser")[: days * 8])
