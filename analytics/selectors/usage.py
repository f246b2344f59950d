"""What analysis used in a period: calls, tokens, money and time, by day, purpose or provider."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Aggregate, Count, F, FloatField, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from analytics.models import Inference, ModelCall
from evosense.core.schema import current_tenant

GROUPS = ("day", "purpose", "provider")


class _Percentile95(Aggregate):
    function = "PERCENTILE_CONT"
    template = "%(function)s(0.95) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


class _Median(Aggregate):
    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass(frozen=True, slots=True)
class UsedLine:
    """One day, purpose or provider; `costs` are millionths by currency, times milliseconds."""

    key: Any
    calls: int = 0
    failed: int = 0
    items: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    is_estimated: bool = False
    median_ms: float | None = None
    p95_ms: float | None = None
    costs: dict[str, int] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Judged:
    """Messages judged in a period, and how."""

    total: int
    embedded: int
    degraded: int
    cached: int
    failed: int


def used_by(group: str, *, start: datetime, end: datetime) -> list[UsedLine]:
    """Return what was used from `start` up to `end`; days latest first, others dearest first."""
    key = {"key": _key(group)}
    # The checker cannot follow a name that is chosen here.
    rows: Any = _calls(start, end)
    costs: dict[Any, dict[str, int]] = defaultdict(dict)
    for row in rows.values("currency", **key).annotate(cost=Sum("cost_micros")):
        costs[row["key"]][row["currency"]] = row["cost"]
    found = rows.values(**key).annotate(**_figures())
    lines = [_line(row, costs[row["key"]]) for row in found]
    if group == "day":
        return sorted(lines, key=lambda line: line.key, reverse=True)
    return sorted(lines, key=lambda line: (-sum(line.costs.values()), -line.tokens, line.key))


def used_in_all(*, start: datetime, end: datetime) -> UsedLine:
    """Return the sums of a period; zeroes when nothing was asked."""
    rows = _calls(start, end)
    costs = rows.values("currency").annotate(cost=Sum("cost_micros"))
    found = {name: value or 0 for name, value in rows.aggregate(**_figures()).items()}
    return _line({"key": None, **found}, {row["currency"]: row["cost"] for row in costs})


def judged_in(*, start: datetime, end: datetime) -> Judged:
    """Return how many messages were judged outside of experiments, and how."""
    ok = Q(status=Inference.Status.OK)
    rows = Inference.objects.filter(
        created_at__gte=start, created_at__lt=end, run_id="", is_shadow=False
    )
    found = rows.aggregate(
        total=Count("pk", filter=ok),
        embedded=Count("pk", filter=ok & Q(provider="embedded", is_degraded=False)),
        degraded=Count("pk", filter=ok & Q(is_degraded=True)),
        cached=Count("pk", filter=ok & Q(is_cached=True)),
        failed=Count("pk", filter=~ok),
    )
    return Judged(**found)


def _calls(start: datetime, end: datetime) -> QuerySet[ModelCall]:
    return ModelCall.objects.filter(created_at__gte=start, created_at__lt=end)


def _key(group: str) -> Any:
    zone = ZoneInfo(current_tenant().timezone)
    keys: dict[str, Any] = {
        "day": TruncDate("created_at", tzinfo=zone),
        "purpose": F("purpose"),
        "provider": F("provider_name"),
    }
    return keys[group]


def _line(row: dict[str, Any], costs: dict[str, int]) -> UsedLine:
    figures = {name.removeprefix("sum_"): value for name, value in row.items()}
    is_estimated = bool(figures.pop("estimated"))
    if not figures["calls"]:
        figures |= {"median_ms": None, "p95_ms": None}
    return UsedLine(is_estimated=is_estimated, costs=costs, **figures)


def _figures() -> dict[str, Any]:
    """Return what is counted; `sum_` keeps the names of columns free for the columns."""
    return {
        "calls": Count("pk"),
        "failed": Count("pk", filter=~Q(error="")),
        "sum_items": Sum("items"),
        "sum_input_tokens": Sum("input_tokens"),
        "sum_cached_tokens": Sum("cached_tokens"),
        "sum_output_tokens": Sum("output_tokens"),
        "estimated": Count("pk", filter=Q(is_estimated=True)),
        "median_ms": _Median("latency_ms"),
        "p95_ms": _Percentile95("latency_ms"),
    }
