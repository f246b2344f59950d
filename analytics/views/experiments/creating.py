"""The form of a new experiment, and what it would need and cost."""

import contextlib
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from analytics.experiments import arms, creating, running
from analytics.experiments.arms import Choice
from analytics.experiments.creating import NewRun
from analytics.experiments.metrics import PRIMARIES
from analytics.experiments.words import metric_name
from analytics.models import ExperimentRun, GoldSet
from analytics.views.authors import author_of
from evosense.core.errors import DomainError, Invalid
from evosense.core.htmx import render_page
from evosense.core.number_fields import plain_number
from evosense.core.pages import answers_errors, field_errors
from messaging.selectors.samples import connection_names, count_drawable
from tenancy.permissions import requires

SIDES = ("baseline", "candidate_1", "candidate_2", "candidate_3")
_START = {"mode": "backfill", "min_effect": "5", "primary_metric": "sentiment_accuracy",
          "share": "10", "baseline_engine": "embedded"}  # fmt: skip


@requires("experiments.manage")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def experiment_create(request: HttpRequest) -> HttpResponse:
    """Show the form, filled like the experiment `de` if it is named, or create a draft.

    Only what the mode asks for is shown and read.
    """
    if request.method != "POST":
        # The form comes back for another mode with what was typed so far.
        return _page(request, _start(request) | request.GET.dict(), {})
    try:
        author = author_of(request)
        run = creating.create_run(asked(request.POST), author_id=author.id, author=author.name)
    except DomainError as error:
        return _page(request, request.POST.dict(), field_errors(error), status=422)
    return redirect("analytics:experiment-detail", run.public_id)


@requires("experiments.manage")
@require_safe
@answers_errors
def experiment_plan(request: HttpRequest) -> HttpResponse:
    """Say how many messages the effect needs and how many there are; a fragment of the form."""
    context: dict[str, Any] = {}
    try:
        wanted = asked(request.GET)
        context["planned"] = creating.planned_size(wanted.min_effect)
        if wanted.mode == ExperimentRun.Mode.BACKFILL:
            until = wanted.until or timezone.now()
            since = wanted.since or until - timedelta(days=90)
            context["available"] = count_drawable(since, until, wanted.connections)
        if wanted.mode == ExperimentRun.Mode.GOLD and wanted.gold_set:
            found = GoldSet.objects.filter(public_id=wanted.gold_set).first()
            context["available"] = found.items.count() if found else 0
    except DomainError as error:
        context["error"] = error.message
    return render(request, "analytics/experiments/plan.html", context)


def asked(data: QueryDict) -> NewRun:
    """Return what the form says; raises Invalid naming the field.

    Fields of another mode are left aside: without scripts the form still has them.
    """
    mode = data.get("mode", "")
    return NewRun(
        name=data.get("name", ""),
        description=data.get("description", ""),
        mode=mode,
        baseline=_choice(data, "baseline"),
        candidates=[_choice(data, side) for side in _sides(mode)[1:] if data.get(f"{side}_engine")],
        primary_metric=data.get("primary_metric", _START["primary_metric"]),
        min_effect=(_number(data.get("min_effect", ""), "min_effect") or 0) / 100,
        budget_micros=micros_of(data.get("budget", "")),
        **_of_mode(data, mode),
    )


def _of_mode(data: QueryDict, mode: str) -> dict[str, Any]:
    """Return what the form says about finding messages in this mode."""
    readers: dict[str, Callable[[], Any]] = {
        "since": lambda: _day(data.get("since", ""), "since"),
        "until": lambda: _day(data.get("until", ""), "until", end=True),
        "connections": lambda: _connections(data),
        "size": lambda: int(_number(data.get("size", ""), "size") or 0),
        "share": lambda: (_number(data.get("share", ""), "share") or 0) / 100,
        "gold_set": lambda: _uuid(data.get("gold_set", ""), "gold_set"),
    }
    return {name: read() for name, read in readers.items() if name in _fields(mode)}


def _connections(data: QueryDict) -> list[UUID]:
    chosen = _uuid(data.get("connection", ""), "connection")
    return [chosen] if chosen else []


def _fields(mode: str) -> frozenset[str]:
    return creating.FIELDS[ExperimentRun.Mode(mode)] if mode in creating.FIELDS else frozenset()


def _sides(mode: str) -> tuple[str, ...]:
    """Return the sides that a mode has: a canary is one candidate beside what judges now."""
    return SIDES[:2] if mode == ExperimentRun.Mode.CANARY else SIDES


def micros_of(raw: str) -> int | None:
    """Return an amount of whole currency in millionths; None when nothing was written."""
    amount = _number(raw, "budget")
    if amount is None:
        return None
    if not 0 < amount < 10**9:
        raise Invalid("out_of_range", _("An amount above zero."), field="budget")
    return round(amount * 1_000_000)


def _choice(data: QueryDict, side: str) -> Choice:
    return Choice(
        engine=data.get(f"{side}_engine", ""),
        model=data.get(f"{side}_model", ""),
        template=_uuid(data.get(f"{side}_template", ""), side),
    )


def _number(raw: str, field: str) -> float | None:
    """Return a number written with a comma or a point."""
    text = plain_number(raw).replace(",", ".")
    if not text:
        return None
    with contextlib.suppress(ValueError):
        found = float(text)
        if abs(found) < 1e15:
            return found
    raise Invalid("invalid", _("Write a number."), field=field)


def _uuid(raw: str, field: str) -> UUID | None:
    if not raw:
        return None
    try:
        return UUID(raw)
    except ValueError as error:
        raise Invalid("invalid", _("Choose one of the list."), field=field) from error


def _day(raw: str, field: str, *, end: bool = False) -> datetime | None:
    if not raw:
        return None
    try:
        day = date.fromisoformat(raw)
        start = datetime.combine(day, time(), timezone.get_current_timezone())
        return start + timedelta(days=1) if end else start
    except (ValueError, OverflowError) as error:
        raise Invalid("invalid", _("Write a date."), field=field) from error


def _start(request: HttpRequest) -> dict[str, str]:
    """Return the first values of the form: those of another experiment, or plain ones."""
    values = dict(_START)
    today = timezone.localdate()
    values["until"], values["since"] = today.isoformat(), (today - timedelta(days=90)).isoformat()
    source = _uuid(request.GET.get("de", ""), "de")
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
        "fields": _fields(mode),
        # A canary is held against how its neighbour behaves, not against a measure of words.
        "has_measure": mode != ExperimentRun.Mode.CANARY,
        "sides": [_side(side, values, errors) for side in _sides(mode)],
        "engines": arms.engine_choices(),
        "templates": arms.template_choices(),
        "modes": ExperimentRun.Mode.choices,
        "metrics": [(key, metric_name(key, is_quality=is_quality)) for key in PRIMARIES],
        "gold_sets": [(str(one.public_id), one.name) for one in gold],
        "connections": [(str(pk), name) for pk, name in connection_names()],
    }
    template = "analytics/experiments/create.html"
    return render_page(request, template, context, partial="fields", status=status)


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
