"""The playground: up to four sides on texts that were pasted or chosen, judged by a worker."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analytics.errands import rows, starting, trial
from analytics.errands.trial import EMBEDDED, Side
from analytics.models import Errand, PromptTemplate, Task
from analytics.prompting import playground
from analytics.prompting.playground import MOST_COLUMNS
from analytics.providers.refs import providers_for_tenant
from analytics.views.errands import state_context
from analytics.views.experiments.tabs import laboratory_tabs
from analytics.views.prompts.answers import answer_of, total_of
from evosense.core.errors import DomainError, Invalid
from evosense.core.htmx import render_page
from evosense.core.pages import answers_errors, field_errors, user_id
from tenancy.permissions import requires

_EXAMPLE = 10
_PAGE = "analytics/prompts/playground.html"


@requires("experiments.manage")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def prompt_playground(request: HttpRequest) -> HttpResponse:
    """Show the form; on POST have its texts judged, and go where the result will be."""
    if request.method != "POST":
        return render(request, _PAGE, _context(request, _first(request)))
    try:
        errand = _start(request)
    except DomainError as error:
        context = _context(request, request.POST)
        context["errors"] = errors = field_errors(error)
        for side in context["sides"]:
            side["error"] = errors.get(str(side["key"]), "")
        return render(request, _PAGE, context, status=422)
    return redirect("analytics:prompt-trial", errand.public_id)


@requires("experiments.manage")
@require_safe
@answers_errors
def prompt_trial(request: HttpRequest, errand_id: UUID) -> HttpResponse:
    """Show what came of a trial above its form; only its section when htmx asks."""
    errand = rows.errand_of(errand_id, Errand.Kind.PLAYGROUND)
    context = _context(request, _given(errand)) | state_context(errand) | _result(errand)
    return render_page(request, _PAGE, context, partial="result")


@requires("experiments.manage")
@require_POST
@answers_errors
def prompt_trial_cancel(request: HttpRequest, errand_id: UUID) -> HttpResponse:  # noqa: ARG001
    """Wait for a trial no longer."""
    errand = rows.errand_of(errand_id, Errand.Kind.PLAYGROUND)
    rows.cancel(errand)
    return redirect("analytics:prompt-trial", errand.public_id)


def _start(request: HttpRequest) -> Errand:
    is_newest = request.POST.get("source") == "newest"
    messages = playground.newest(_EXAMPLE) if is_newest else []
    if is_newest and not messages:
        raise Invalid("no_messages", _("There is no message with a text yet."), field="texts")
    texts = "" if is_newest else request.POST.get("texts", "")
    return starting.start(
        Errand.Kind.PLAYGROUND,
        request=trial.request_of(_asked_sides(request.POST), texts=texts, messages=messages),
        asked_by=user_id(request),
        token=request.POST.get("token", ""),
    )


def _asked_sides(given: Mapping[str, Any]) -> list[Side]:
    sides = [
        Side(key, given.get(f"{key}_engine", ""), given.get(f"{key}_template", ""))
        for key in _keys()
    ]
    return [side for side in sides if side.engine]


def _context(request: HttpRequest, given: Mapping[str, Any]) -> dict[str, Any]:
    providers = _providers()
    rows_of = PromptTemplate.objects.filter(task=Task.MESSAGE).order_by("-pk")[:200]
    return {
        "tabs": laboratory_tabs(request, "prompts"),
        "sides": _sides(given),
        "has_providers": bool(providers),
        "engines": [(EMBEDDED, _("Embedded analyser")), *providers],
        "templates": [(str(row.public_id), row.version) for row in rows_of],
        "texts": given.get("texts", ""),
        "source": given.get("source", "pasted"),
        "sources": [("pasted", _("Pasted")), ("newest", _("The ten newest messages"))],
        "token": starting.form_token(),
        "errors": {},
    }


def _providers() -> list[tuple[str, str]]:
    return [(str(one.pk), one.name) for one in providers_for_tenant() if one.is_active]


def _first(request: HttpRequest) -> dict[str, str]:
    """Return the form as it begins; `versao` in the address fills the second side."""
    tried, providers = request.GET.get("versao", ""), _providers()
    asked = providers[0][0] if tried and providers else ""
    return {"side_1_engine": EMBEDDED, "side_2_engine": asked, "side_2_template": tried}


def _given(errand: Errand) -> dict[str, str]:
    """Return the form as it was sent."""
    asked = errand.request
    given = {"texts": asked["texts"], "source": "newest" if asked["messages"] else "pasted"}
    for side in asked["sides"]:
        given[f"{side['key']}_engine"] = side["engine"]
        given[f"{side['key']}_template"] = side["template"]
    return given


def _result(errand: Errand) -> dict[str, Any]:
    """Return what every side said, once it did."""
    if errand.result is None:
        return {}
    lines = [
        (line["text"], [trial.answer_row(one) for one in line["answers"]])
        for line in errand.result["lines"]
    ]
    titles = [side["title"] for side in errand.request["sides"]]
    return {
        "columns": titles,
        "lines": [
            {"text": text, "answers": list(zip(titles, map(answer_of, answers), strict=True))}
            for text, answers in lines
        ],
        "totals": [
            (titles[at], total_of([answers[at] for _text, answers in lines], currency))
            for at, currency in enumerate(errand.result.get("currencies", ["BRL"] * len(titles)))
        ],
    }


def _sides(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "key": key,
            "number": number,
            "engine": given.get(f"{key}_engine", ""),
            "template": given.get(f"{key}_template", ""),
        }
        for number, key in enumerate(_keys(), start=1)
    ]


def _keys() -> list[str]:
    return [f"side_{number}" for number in range(1, MOST_COLUMNS + 1)]
