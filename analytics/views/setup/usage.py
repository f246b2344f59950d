"""What analysis used and cost in a period, as a page and as a CSV file."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analytics.analysis.selectors import backlog_counts, usage_by_day
from analytics.experiments.words import seconds
from analytics.models import Purpose
from analytics.providers.money import sums_words
from analytics.selectors.usage import GROUPS, UsedLine, judged_in, used_by, used_in_all
from analytics.views.setup.budgets import budget_lines
from evosense.core.charts import bars, nice_top
from evosense.core.errors import Invalid
from evosense.core.exports import csv_lines
from evosense.core.pages import answers_errors
from evosense.core.wording import number_words
from tenancy.permissions import requires

PERIODS = {"7": 7, "30": 30, "90": 90}
_MICROS = 1_000_000
_TICKS = 4


@dataclass(frozen=True)
class Asked:
    """The period in days that end with today, on the company's clock, and how lines are made."""

    period: str
    group: str

    @property
    def end(self) -> datetime:
        midnight = datetime.combine(timezone.localdate() + timedelta(days=1), datetime.min.time())
        return timezone.make_aware(midnight)

    @property
    def start(self) -> datetime:
        first = timezone.localdate() - timedelta(days=PERIODS[self.period] - 1)
        return timezone.make_aware(datetime.combine(first, datetime.min.time()))

    def address(self, name: str = "analytics:ai-settings-usage", **over: str) -> str:
        values = {"periodo": self.period, "por": self.group, **over}
        return f"{reverse(name)}?{urlencode(values)}"


@requires("ai.manage")
@require_safe
@answers_errors
def usage_page(request: HttpRequest) -> HttpResponse:
    """Show tokens, money, calls, errors and times of a period."""
    asked = _asked(request)
    total = used_in_all(start=asked.start, end=asked.end)
    context = {
        "total": total,
        "cost": sums_words(total.costs),
        "failed_share": _share(total.failed, total.calls),
        "median": seconds(total.median_ms) if total.median_ms is not None else "",
        "p95": seconds(total.p95_ms) if total.p95_ms is not None else "",
        "judged": judged_in(start=asked.start, end=asked.end),
        "backlog": backlog_counts(),
        "budgets": budget_lines(),
        "lines": [_row(one, asked.group) for one in used_by(asked.group, **_span(asked))],
        "chart": _chart(asked) if total.calls else None,
        "group": asked.group,
        "periods": [
            {"url": asked.address(periodo=key), "label": label, "is_current": key == asked.period}
            for key, label in _period_words().items()
        ],
        "groups": [
            {"url": asked.address(por=key), "label": label, "is_current": key == asked.group}
            for key, label in _group_words().items()
        ],
        "csv_url": asked.address("analytics:ai-settings-usage-csv"),
        "group_label": _group_words()[asked.group],
    }
    return render(request, "analytics/setup/usage.html", context)


@requires("ai.manage")
@require_safe
@answers_errors
def usage_csv(request: HttpRequest) -> HttpResponse:
    """Return the period by day, purpose and model; amounts with a point, for machines."""
    asked = _asked(request)
    header = [
        "day", "purpose", "provider", "model", "calls", "failed", "items", "input_tokens",
        "cached_tokens", "output_tokens", "cost", "currency",
    ]  # fmt: skip
    rows = (
        [
            one.day.isoformat(), one.purpose, one.provider, one.model, one.calls, one.failed,
            one.items, one.input_tokens, one.cached_tokens, one.output_tokens,
            f"{one.cost_micros / _MICROS:.6f}", one.currency,
        ]
        for one in usage_by_day(**_span(asked))
    )  # fmt: skip
    response = HttpResponse(
        "".join(csv_lines(header, rows)), content_type="text/csv; charset=utf-8"
    )
    name = f"uso-ia-{timezone.localdate():%Y-%m-%d}-{asked.period}d.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _asked(request: HttpRequest) -> Asked:
    period = request.GET.get("periodo", "30")
    group = request.GET.get("por", "day")
    for name, value, known in (("periodo", period, PERIODS), ("por", group, GROUPS)):
        if value not in known:
            message = _("The filter “%(field)s” has a value that does not exist.")
            raise Invalid("invalid_filter", message % {"field": name}, field=name)
    return Asked(period, group)


def _span(asked: Asked) -> dict[str, datetime]:
    return {"start": asked.start, "end": asked.end}


def _period_words() -> dict[str, str]:
    return {"7": _("7 days"), "30": _("30 days"), "90": _("90 days")}


def _group_words() -> dict[str, str]:
    return {"day": _("Day"), "purpose": _("Purpose"), "provider": _("Provider")}


def _row(line: UsedLine, group: str) -> dict[str, Any]:
    return {
        "name": _name(line.key, group),
        "line": line,
        "cost": _cost(line, group),
        "failed_share": _share(line.failed, line.calls),
        "median": seconds(line.median_ms) if line.median_ms is not None else "",
        "p95": seconds(line.p95_ms) if line.p95_ms is not None else "",
    }


def _cost(line: UsedLine, group: str) -> str:
    if group == "purpose" and line.key == Purpose.TRANSCRIPTION:
        # Sound is sold by the minute, and prices here are for tokens.
        return _("not known")
    return sums_words(line.costs)


def _name(key: Any, group: str) -> str:
    if isinstance(key, date):
        return date_format(key, "SHORT_DATE_FORMAT")
    if group == "purpose" and key in Purpose.values:
        return str(Purpose(key).label)
    return str(key)


def _share(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def _chart(asked: Asked) -> dict[str, Any]:
    """Return tokens per day as bars, days without calls as zero."""
    by_day = {line.key: line for line in used_by("day", **_span(asked))}
    first = asked.start.date()
    days = [first + timedelta(days=index) for index in range(PERIODS[asked.period])]
    values: list[float | None] = [by_day[day].tokens if day in by_day else 0 for day in days]
    top = nice_top(value for value in values if value is not None)
    labels = [date_format(day, "SHORT_DATE_FORMAT") for day in days]
    return {
        "bars": bars(values, labels=labels, top=top),
        "ticks": [number_words(round(top * step / _TICKS)) for step in range(_TICKS, -1, -1)],
        "ends": [labels[0], labels[-1]],
    }
