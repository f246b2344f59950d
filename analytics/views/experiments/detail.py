"""One experiment: before it begins, while it runs, and what came of it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analytics.analysis.settings import ai_settings
from analytics.experiments import arms, running, words
from analytics.experiments.currency import currencies_of, spent_by
from analytics.experiments.disagreements import check_arm, disagreements
from analytics.experiments.estimate import estimate_micros, expected_messages
from analytics.experiments.failures import usual_failures
from analytics.experiments.gate import gate_of
from analytics.experiments.metrics import unit_of
from analytics.experiments.tasks import ask_for_fresh_figures
from analytics.models import Arm, ExperimentRun, PromptTemplate
from analytics.models.choices import Emotion
from analytics.providers.money import money_words, sign_of, sums_words
from analytics.views.experiments import presenting
from analytics.views.experiments.listing import TONES
from analytics.views.panel.words import reason_words
from evosense.core.errors import Invalid
from evosense.core.exports import csv_lines
from evosense.core.htmx import wants_fragment
from evosense.core.pages import answers_errors, may
from tenancy.models import Membership
from tenancy.permissions import requires

SHOWN = 10
Status = ExperimentRun.Status


@requires("experiments.view")
@require_safe
@answers_errors
def experiment_detail(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    """Show an experiment; `lado` chooses the candidate, `matriz` the side of the matrix."""
    run = running.run_of(experiment_id)
    return detail_page(request, run, check_arm(run, request.GET.get("lado", "")))


@requires("experiments.view")
@require_safe
@answers_errors
def experiment_state(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    """Show how far it is; the page asks while it runs."""
    run = running.run_of(experiment_id)
    ask_for_fresh_figures(run)
    context = _state(request, run, arms.arms_of(run))
    # What changes with it stands elsewhere on the page.
    context |= {"is_fragment": wants_fragment(request), "canary": _canary(run, context)}
    response = render(request, "analytics/experiments/state.html", context)
    # The end of a run changes the whole page.
    if wants_fragment(request) and run.status != Status.RUNNING:
        response["HX-Refresh"] = "true"
    return response


@requires("experiments.view")
@require_safe
@answers_errors
def experiment_csv(request: HttpRequest, experiment_id: UUID) -> HttpResponse:  # noqa: ARG001
    """Download the comparison's lines, all candidates."""
    run = running.run_of(experiment_id)
    header = [
        "candidate", "metric", "unit", "n", "baseline", "value", "difference", "low", "high", "p",
        "p_holm", "reading",
    ]  # fmt: skip
    response = HttpResponse(
        "".join(csv_lines(header, _lines(run))), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{run.run_id}.csv"'
    return response


def detail_page(
    request: HttpRequest,
    run: ExperimentRun,
    key: str,
    *,
    errors: dict[str, Any] | None = None,
    reason: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render the page; with `errors` of a refused promotion beside its form."""
    sides = arms.arms_of(run)
    context = _state(request, run, sides) | {"key": key, "errors": errors or {}, "reason": reason}
    if run.mode == run.Mode.CANARY:
        context["canary"] = _canary(run, context)
    elif run.report and run.report["n"]:
        context |= _comparison(request, run, sides, key, context["names"])
    return render(request, "analytics/experiments/detail.html", context, status=status)


def _state(request: HttpRequest, run: ExperimentRun, sides: list[Arm]) -> dict[str, Any]:
    names = arms.names_of(sides)
    own, paid_in = ai_settings().currency, currencies_of(sides)
    return {
        "run": run,
        "names": names,
        "tone": TONES.get(run.status, ""),
        "error": words.error_words(run.error),
        "cards": _cards(run, sides, names, paid_in),
        "spent": sums_words(spent_by(run, sides, paid_in), own),
        "budget": money_words(run.budget_micros, own) if run.budget_micros else "",
        "sign": sign_of(own),
        "is_live": run.mode in running.LIVE_MODES,
        "is_over": run.status in {Status.COMPLETED, Status.FAILED, Status.CANCELLED},
        "may_manage": may(request, "experiments.manage"),
        "metric": words.metric_name(run.primary_metric, is_quality=run.mode == run.Mode.GOLD),
        "effect": words.value(run.min_effect, "share"),
        # The size is that of a difference of two shares; a distance or kappa has none known before.
        "is_share": unit_of(run.primary_metric) == "share",
        "share": words.value(run.share, "share"),
        "paid_in": paid_in,
    } | _estimate(run, sides, own)


def _estimate(run: ExperimentRun, sides: list[Arm], own: str) -> dict[str, str]:
    """Return what a draft would cost, or whose price nobody entered."""
    if run.status != Status.DRAFT:
        return {}
    found = estimate_micros(sides, expected_messages(run))
    return {"estimate": sums_words(found.costs, own), "unpriced": ", ".join(found.unknown)}


def _cards(
    run: ExperimentRun, sides: list[Arm], names: dict[str, str], paid_in: dict[str, str]
) -> list[dict[str, Any]]:
    reasons = usual_failures(run) if any(arm.failed for arm in sides) else {}
    return [
        _card(run, arm, names, paid_in[arm.key])
        | {"reason": reason_words(reasons.get(arm.key, ""))}
        for arm in sides
    ]


def _card(run: ExperimentRun, arm: Arm, names: dict[str, str], currency: str) -> dict[str, Any]:
    facts = ((run.report or {}).get("sides") or {}).get(arm.key) or {}
    template: PromptTemplate | None = arm.template
    return {
        "arm": arm,
        "name": names[arm.key],
        "engine": arms.provider_name(arm),
        "models": facts.get("models") or [arm.model_name],
        "description": template.description if template else "",
        "seconds": facts.get("seconds"),
        "invalid": words.value(facts.get("invalid"), "share"),
        "cost": money_words(arm.spent_micros, currency),
        "is_promoted": _is_promoted(run, arm.key),
    }


def _is_promoted(run: ExperimentRun, key: str) -> bool:
    decision = run.decision or {}
    return decision.get("act") == "promoted" and decision.get("arm") == key


def _comparison(
    request: HttpRequest, run: ExperimentRun, sides: list[Arm], key: str, names: dict[str, str]
) -> dict[str, Any]:
    report = run.report or {}
    is_quality = report["kind"] == "quality"
    title, proof, tone = words.headline(report, key, names, run.primary_metric)
    gate = gate_of(run, key)
    membership = getattr(request, "membership", None)
    is_owner = membership is not None and membership.role == Membership.Role.OWNER
    is_decided = (run.decision or {}).get("act") == "promoted"
    return {
        "report": report,
        "is_quality": is_quality,
        "headline": {"title": title, "proof": proof, "tone": tone},
        "base_name": names[arms.BASELINE],
        "name": names[key],
        "candidates": _links(run, sides, names, key),
        "lines": presenting.metric_rows(report["compared"][key], is_quality=is_quality),
        "matrix": _matrix(request, report, names, key),
        "matrix_links": _matrix_links(request, run, report, names, key),
        "pairs": report["compared"][key]["pairs"],
        "mid": words.p_words(report["compared"][key]["pairs"]["mid"]),
        "gate": gate,
        "gate_rows": presenting.gate_rows(gate),
        "is_owner": is_owner,
        "is_decided": is_decided,
        "decision": _decision(run, names),
        "may_promote": (gate.is_open or is_owner)
        and not is_decided
        and run.status == Status.COMPLETED
        and may(request, "experiments.manage"),
    } | _differing(request, run, key)


def _decision(run: ExperimentRun, names: dict[str, str]) -> dict[str, Any] | None:
    """Return who promoted what and when, and who took it back; None before anybody decided."""
    kept = run.decision
    if not kept:
        return None
    back_at = kept.get("back_at")
    return {
        **kept,
        "name": names.get(kept["arm"], kept["arm"]),
        "at": datetime.fromisoformat(kept["at"]),
        "back_at": datetime.fromisoformat(back_at) if back_at else None,
    }


def _differing(request: HttpRequest, run: ExperimentRun, key: str) -> dict[str, Any]:
    after = _position(request.GET.get("depois", ""))
    page = disagreements(run, key, after=after, limit=SHOWN)
    labels = {one.value: str(one.label) for one in Emotion}
    rows = [
        {
            "row": one,
            "baseline": labels.get(one.baseline.emotion, ""),
            "candidate": labels.get(one.candidate.emotion, ""),
            "people": labels.get(one.people.emotion, "") if one.people else "",
        }
        for one in page.rows
    ]
    own = reverse("analytics:experiment-detail", args=[run.public_id])
    link = {"lado": key, "depois": page.next}
    return {
        "differing": rows,
        "first_url": f"{own}?lado={key}#diferem" if after >= 0 else "",
        "next_url": f"{own}?{urlencode(link)}#diferem" if page.next is not None else "",
    }


def _position(raw: str) -> int:
    if not raw:
        return -1
    if not raw.isdecimal() or len(raw) > 9:
        raise Invalid("invalid", _("This page does not exist."), field="depois")
    return int(raw)


def _links(
    run: ExperimentRun, sides: list[Arm], names: dict[str, str], key: str
) -> list[dict[str, Any]]:
    own = reverse("analytics:experiment-detail", args=[run.public_id])
    return [
        {"url": f"{own}?lado={arm.key}", "label": names[arm.key], "is_current": arm.key == key}
        for arm in sides
        if not arm.is_baseline
    ]


def _matrix_key(request: HttpRequest, report: dict[str, Any], key: str) -> str:
    wanted = request.GET.get("matriz", "")
    return wanted if wanted in report["confusion"] else key


def _matrix(
    request: HttpRequest, report: dict[str, Any], names: dict[str, str], key: str
) -> dict[str, Any] | None:
    chosen = _matrix_key(request, report, key)
    found = report["confusion"].get(chosen)
    if not found or not found["n"]:
        return None
    base = "" if report["kind"] == "quality" else names[arms.BASELINE]
    return presenting.matrix(found, names[chosen], base=base)


def _matrix_links(
    request: HttpRequest,
    run: ExperimentRun,
    report: dict[str, Any],
    names: dict[str, str],
    key: str,
) -> list[dict[str, Any]]:
    own = reverse("analytics:experiment-detail", args=[run.public_id])
    chosen = _matrix_key(request, report, key)
    shown = [arms.BASELINE, key] if arms.BASELINE in report["confusion"] else [key]
    return [
        {
            "url": f"{own}?{urlencode({'lado': key, 'matriz': one})}#matriz",
            "label": names[one],
            "is_current": one == chosen,
        }
        for one in shown
    ]


def _canary(run: ExperimentRun, context: dict[str, Any]) -> list[dict[str, Any]]:
    is_counted = run.report and run.report["kind"] == "canary"
    return _behaviour(run, context["names"], context["paid_in"]) if is_counted else []


def _behaviour(
    run: ExperimentRun, names: dict[str, str], paid_in: dict[str, str]
) -> list[dict[str, Any]]:
    report = run.report or {}
    return [
        {
            "name": names.get(key, key),
            "judged": side["judged"],
            "failed": words.value(side["invalid"], "share"),
            "p95": words.seconds(side["latency"]["p95"]),
            "cost": words.value(side["cost_per_1000"], "money", paid_in.get(key, "")),
        }
        for key, side in report["sides"].items()
    ]


def _lines(run: ExperimentRun) -> Iterator[list[object]]:
    report = run.report or {"compared": {}}
    names = arms.names_of(arms.arms_of(run))
    for key, compared in report["compared"].items():
        for line in compared["lines"]:
            yield [
                names.get(key, key), line["key"], line["unit"], line["n"], line["baseline"],
                line["candidate"], line["diff"], line["low"], line["high"], line["p"],
                line.get("holm"), line["reading"],
            ]  # fmt: skip
