"""The list of experiments."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from analytics.experiments.arms import names_of
from analytics.experiments.listing import RunFilter, run_page, sides_in_words
from analytics.experiments.words import headline
from analytics.models import ExperimentRun
from analytics.views.experiments.tabs import laboratory_tabs
from evosense.core.htmx import render_page
from evosense.core.pages import answers_errors, may
from tenancy.permissions import requires

TONES = {"running": "info", "paused": "warn", "completed": "ok", "failed": "bad"}


@requires("experiments.view")
@require_safe
@answers_errors
def experiment_list(request: HttpRequest) -> HttpResponse:
    """List experiments, the newest first; `estado` is abertos or fim."""
    state = {"abertos": "open", "fim": "done"}.get(request.GET.get("estado", ""), "")
    mode = request.GET.get("modo", "")
    cursor = request.GET.get("cursor") or None
    page = run_page(RunFilter(state, mode), cursor=cursor)
    here = {"estado": request.GET.get("estado", "")} if state else {}
    here |= {"modo": mode} if mode in ExperimentRun.Mode.values else {}
    context = {
        "rows": [_row(run) for run in page.rows],
        "own_url": _address(here),
        "next_url": _address({**here, "cursor": page.next}) if page.next else "",
        "is_continued": bool(cursor),
        "is_filtered": bool(here),
        "links": _links(here, state),
        "modes": ExperimentRun.Mode.choices,
        "mode": mode,
        "tabs": laboratory_tabs(request, "experiments"),
        "may_manage": may(request, "experiments.manage"),
        "is_live": any(run.status == "running" for run in page.rows),
    }
    return render_page(request, "analytics/experiments/list.html", context, partial="rows")


def _row(run: ExperimentRun) -> dict[str, object]:
    arms = list(run.arms.all())
    return {
        "run": run,
        "sides": sides_in_words(arms),
        "tone": TONES.get(run.status, ""),
        "finding": _finding(run),
        "is_decided": (run.decision or {}).get("act") == "promoted",
    }


def _finding(run: ExperimentRun) -> str:
    report = run.report
    if not report or not report["compared"]:
        return ""
    names = names_of(list(run.arms.all()))
    return headline(report, next(iter(report["compared"])), names, run.primary_metric)[0]


def _links(here: dict[str, str], state: str) -> list[dict[str, object]]:
    rest = {name: value for name, value in here.items() if name == "modo"}
    words = (
        (_("All"), "", ""),
        (_("Under way"), "open", "abertos"),
        (pgettext("experiments", "Ended"), "done", "fim"),
    )
    return [
        {
            "url": _address({**rest, **({"estado": value} if value else {})}),
            "label": label,
            "is_current": state == key,
        }
        for label, key, value in words
    ]


def _address(query: dict[str, str]) -> str:
    own = reverse("analytics:experiment-list")
    return f"{own}?{urlencode(query)}" if query else own
