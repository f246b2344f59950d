"""The playground: up to four sides on texts that were pasted or chosen, without keeping a row."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from analytics.analysis.items import ArmSpec, Item
from analytics.models import PromptTemplate, Task
from analytics.prompting import playground
from analytics.prompting.playground import MOST_COLUMNS, Column
from analytics.providers.refs import providers_for_tenant
from analytics.views.experiments.tabs import laboratory_tabs
from analytics.views.prompts.answers import answer_of, total_of
from evosense.core.errors import DomainError, Invalid
from evosense.core.pages import answers_errors, field_errors
from tenancy.permissions import requires

EMBEDDED = "embedded"
_EXAMPLE = 10


@requires("experiments.manage")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def prompt_playground(request: HttpRequest) -> HttpResponse:
    """Show the form; on POST also what every side says of every text."""
    context = _context(request)
    if request.method != "POST":
        return render(request, "analytics/prompts/playground.html", context)
    try:
        columns = _columns(request)
        lines = playground.try_out(_items(request), columns)
    except DomainError as error:
        context["errors"] = errors = field_errors(error)
        for side in context["sides"]:
            side["error"] = errors.get(str(side["key"]), "")
        return render(request, "analytics/prompts/playground.html", context, status=422)
    context["columns"] = columns
    context["lines"] = [
        {"text": line.text, "answers": [answer_of(row) for row in line.answers]} for line in lines
    ]
    context["totals"] = [
        total_of([line.answers[at] for line in lines]) for at in range(len(columns))
    ]
    return render(request, "analytics/prompts/playground.html", context)


def _context(request: HttpRequest) -> dict[str, Any]:
    providers = [(str(one.pk), one.name) for one in providers_for_tenant() if one.is_active]
    rows = PromptTemplate.objects.filter(task=Task.MESSAGE).order_by("-pk")[:200]
    return {
        "tabs": laboratory_tabs(request, "prompts"),
        "sides": _sides(request, providers[0][0] if providers else ""),
        "has_providers": bool(providers),
        "engines": [(EMBEDDED, _("Embedded analyser")), *providers],
        "templates": [(str(row.public_id), row.version) for row in rows],
        "texts": request.POST.get("texts", ""),
        "source": request.POST.get("source", "pasted"),
        "sources": [("pasted", _("Pasted")), ("newest", _("The ten newest messages"))],
        "errors": {},
    }


def _sides(request: HttpRequest, provider: str) -> list[dict[str, Any]]:
    """Return the fields of the sides; `versao` in the address fills the second one."""
    tried = request.GET.get("versao", "")
    first = {"side_1_engine": EMBEDDED, "side_2_engine": provider if tried else ""}
    given = request.POST if request.method == "POST" else first | {"side_2_template": tried}
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


def _items(request: HttpRequest) -> Sequence[Item]:
    if request.POST.get("source") != "newest":
        return playground.pasted(request.POST.get("texts", ""))
    found = playground.newest(_EXAMPLE)
    if not found:
        raise Invalid("no_messages", _("There is no message with a text yet."), field="texts")
    return playground.stored(found)


def _columns(request: HttpRequest) -> list[Column]:
    columns = []
    for key in _keys():
        engine = request.POST.get(f"{key}_engine", "")
        if engine:
            columns.append(_column(key, engine, request.POST.get(f"{key}_template", "")))
    if not columns:
        raise Invalid("required", _("Choose who judges."), field="side_1")
    return columns


def _column(key: str, engine: str, template_id: str) -> Column:
    if engine == EMBEDDED:
        return Column(_("Embedded analyser"), ArmSpec())
    known = {str(one.pk): one for one in providers_for_tenant() if one.is_active}
    provider = known.get(engine)
    if provider is None:
        raise Invalid("invalid", _("Choose one of the list."), field=key)
    template = _template(key, template_id)
    words = template.version if template else _("Words of the house")
    arm = ArmSpec("provider", provider_id=provider.pk, template=template)
    return Column(f"{provider.name} · {words}", arm)


def _template(key: str, raw: str) -> PromptTemplate | None:
    if not raw:
        return None
    try:
        found = PromptTemplate.objects.filter(task=Task.MESSAGE, public_id=UUID(raw)).first()
    except ValueError:
        found = None
    if found is None:
        raise Invalid("invalid", _("Choose one of the list."), field=key)
    return found
