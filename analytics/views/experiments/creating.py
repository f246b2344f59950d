"""The form of a new experiment, and what it would need and cost."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from analytics.analysis.settings import ai_settings
from analytics.experiments import arms, creating, running
from analytics.experiments.metrics import PRIMARIES
from analytics.experiments.words import metric_name
from analytics.models import ExperimentRun, GoldSet
from analytics.providers.money import sign_of
from analytics.views.authors import author_of
from analytics.views.experiments.asking import (
    MEASURE,
    SIDES,
    Reader,
    asked,
    fields_of,
    sides_of,
    uuid_of,
)
from evosense.core.errors import DomainError
from evosense.core.htmx import render_page
from evosense.core.pages import answers_errors
from messaging.selectors.samples import connection_names, count_drawable
from tenancy.permissions import requires

_START = {"mode": "backfill", "min_effect": "5", "primary_metric": MEASURE,
          "share": "10", "baseline_engine": "embedded"}  # fmt: skip


@requires("experiments.manage")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def experiment_create(request: HttpRequest) -> HttpResponse:
    """Show the form, filled like the experiment `de` if it is named, or create a draft.

    Only what the mode asks for is shown and read; the rest is kept for a change of mind.
    """
    if request.method != "POST":
        # The form comes back for another mode with what was typed so far.
        return _page(request, _start(request) | request.GET.dict(), {})
    reader = Reader(request.POST)
    wanted = asked(reader)
    for problem in creating.problems(wanted):
        reader.note(problem)
    if reader.errors:
        return _page(request, request.POST.dict(), reader.errors, status=422)
    author = author_of(request)
    try:
        run = creating.create_run(wanted, author_id=author.id, author=author.name)
    except DomainError as error:
        reader.note(error)
        return _page(request, request.POST.dict(), reader.errors, status=422)
    return redirect("analytics:experiment-detail", run.public_id)


@requires("experiments.manage")
@require_safe
@answers_errors
def experiment_plan(request: HttpRequest) -> HttpResponse:
    """Say how many messages the effect needs and how many there are; a fragment of the form."""
    context: dict[str, Any] = {}
    reader = Reader(request.GET)
    wanted = asked(reader)
    try:
        context["planned"] = creating.planned_size(wanted.min_effect)
        if wanted.mode == ExperimentRun.Mode.BACKFILL:
            until = wanted.until or timezone.now()
            since = wanted.since or until - timedelta(days=90)
            context["available"] = count_drawable(since, until, wanted.connections)
        if wanted.mode == ExperimentRun.Mode.GOLD and wanted.gold_set:
            found = GoldSet.objects.filter(public_id=wanted.gold_set).first()
            context["available"] = found.items.count() if found else 0
    except DomainError as error:
        reader.note(error)
    context["error"] = next(iter(reader.errors.values()), "")
    return render(request, "analytics/experiments/plan.html", context)


def _start(request: HttpRequest) -> dict[str, str]:
    """Return the first values of the form: those of another experiment, or plain ones."""
    values = dict(_START)
    today = timezone.localdate()
    values["until"], values["since"] = today.isoformat(), (today - timedelta(days=90)).isoformat()
    source = uuid_of(request.GET.get("de", ""), "de")
    if source is None:
        return values
    run = running.run_of(source)
    values |= {
        "name": run.name, "description": run.description, "mode": run.mode,
        "primary_metric": run.primary_metric, "min_effect": f"{run.min_effect * 100:g}",
        "share": f"{run.share * 100:g}", "size": str(run.sample.get("size", "")),
        "gold_set": str(run.gold_set.public_id) if run.gold_set else "",
    }  # fmt: skip
    for side, arm in zip(SIDES, arms.arms_of(run), strict=False):
        choice = arms.choice_of(arm)
        values |= {
            f"{side}_engine": choice.engine,
            f"{side}_model": choice.model,
            f"{side}_template": str(choice.template or ""),
        }
    return values


def _page(
    request: HttpRequest, values: dict[str, str], errors: dict[str, Any], status: int = 200
) -> HttpResponse:
    gold = GoldSet.objects.exclude(frozen_at=None).order_by("-pk")[:100]
    mode = values.get("mode", "")
    is_quality = mode == ExperimentRun.Mode.GOLD
    context = {
        "values": values,
        "errors": errors,
        "fields": fields_of(mode),
        "sign": sign_of(ai_settings().currency),
        "kept": _kept(mode, values),
        # A canary is held against how its neighbour behaves, not against a measure of words.
        "has_measure": _has_measure(mode),
        "sides": [_side(side, values, errors) for side in sides_of(mode)],
        "engines": arms.engine_choices(),
        "templates": arms.template_choices(),
        "modes": ExperimentRun.Mode.choices,
        "metrics": [(key, metric_name(key, is_quality=is_quality)) for key in PRIMARIES],
        "gold_sets": [(str(one.public_id), one.name) for one in gold],
        "connections": [(str(pk), name) for pk, name in connection_names()],
    }
    template = "analytics/experiments/create.html"
    return render_page(request, template, context, partial="fields", status=status)


def _has_measure(mode: str) -> bool:
    return mode != ExperimentRun.Mode.CANARY


def _kept(mode: str, values: dict[str, str]) -> list[tuple[str, str]]:
    """Return the fields that this mode does not show, with what was written in them."""
    others = frozenset().union(*creating.FIELDS.values()) - fields_of(mode)
    names = sorted("connection" if name == "connections" else name for name in others)
    if not _has_measure(mode):
        names.append("primary_metric")
    for side in SIDES:
        if side not in sides_of(mode):
            names += [f"{side}_{part}" for part in ("engine", "template", "model")]
    return [(name, values.get(name, "")) for name in names]


def _side(side: str, values: dict[str, str], errors: dict[str, Any]) -> dict[str, Any]:
    number = SIDES.index(side)
    return {
        "key": side,
        "title": _("Candidate %(number)s") % {"number": number} if number else _("Baseline"),
        "engine": values.get(f"{side}_engine", ""),
        "model": values.get(f"{side}_model", ""),
        "template": values.get(f"{side}_template", ""),
        "error": errors.get(side) or (errors.get("candidates") if number == 1 else None),
        "is_optional": number > 1,
    }
