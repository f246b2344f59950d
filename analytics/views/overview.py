"""The first page of a workspace: how today goes, and what needs somebody."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analytics.selectors.notices import notice_views
from analytics.selectors.overview import PERIODS
from analytics.selectors.overview import overview as read_overview
from evosense.core.htmx import render_page
from tenancy.permissions import requires


@requires("overview.view")
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show the numbers of today, 7 or 30 days; only the board when htmx asks."""
    period = request.GET.get("periodo", "hoje")
    if period not in PERIODS:
        words = _("The filter “%(field)s” has a value that does not exist.")
        refusal = {"detail": words % {"field": "periodo"}}
        return render(request, "errors/400.html", refusal, status=400)
    permissions: frozenset[str] = getattr(request, "permissions", frozenset())
    board = read_overview(
        days=PERIODS[period], now=timezone.now(), show_numbers="numbers.view" in permissions
    )
    path = reverse("analytics:overview")
    context: dict[str, Any] = {
        "board": board,
        "periods": _periods(path, period),
        "self_url": path if period == "hoje" else f"{path}?periodo={period}",
        "sees_numbers": "numbers.view" in permissions,
        "may_manage": "connections.manage" in permissions,
        "notices": notice_views(urgent=True) if "ai.manage" in permissions else [],
    }
    return render_page(request, "analytics/overview.html", context, partial="board")


def _periods(path: str, current: str) -> list[dict[str, Any]]:
    labels = {"hoje": _("Today"), "7": _("7 days"), "30": _("30 days")}
    return [
        {
            "url": path if key == "hoje" else f"{path}?periodo={key}",
            "label": label,
            "is_current": key == current,
        }
        for key, label in labels.items()
    ]
