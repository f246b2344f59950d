"""The prompts of the company, and one of them with its versions, labels and moves."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from analytics.models import ExperimentRun, PromptLabelEvent, PromptTemplate, Task
from analytics.models.prompts import PRODUCTION
from analytics.prompting import reading, transfer
from analytics.prompting.platform import PLATFORM, platform_template
from analytics.prompting.versions import is_intact
from analytics.views.experiments.tabs import laboratory_tabs
from evosense.core.pages import answers_errors, may
from tenancy.permissions import requires

_MOST_NUMBERS = 200


@requires("experiments.view")
@require_safe
@answers_errors
def prompt_list(request: HttpRequest) -> HttpResponse:
    """List the prompts by name; those of the house stand below to start from."""
    rows = reading.prompts()
    served = {row.task for row in rows if any(one.label == PRODUCTION for one in row.labels)}
    context = {
        "tabs": laboratory_tabs(request, "prompts"),
        "rows": [(row, _description(row)) for row in rows],
        "house": [
            {
                "template": one,
                "task": Task(one.task).label,
                "judges": one.task not in served and platform_template(one.task) is one,
            }
            for one in PLATFORM
        ],
        "may_manage": may(request, "experiments.manage"),
    }
    return render(request, "analytics/prompts/list.html", context)


def _description(row: reading.PromptView) -> str:
    """Return what a prompt says of itself beyond the name of its task."""
    said = row.newest.description
    of_task = {str(Task(row.task).label), *(str(o.title) for o in PLATFORM if o.task == row.task)}
    return "" if said in of_task else said


@requires("experiments.view")
@require_safe
@answers_errors
def prompt_detail(request: HttpRequest, name: str) -> HttpResponse:
    """Show one prompt: where its labels point, every version, and how labels moved."""
    return detail_page(request, name, {})


@requires("experiments.view")
@require_safe
@answers_errors
def prompt_version(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Show one version, and what differs from another one (`de`, else the one before)."""
    row = reading.numbered(name, number)
    raw = request.GET.get("de", "")
    other = int(raw) if raw.isdecimal() and len(raw) < 7 else number - 1
    others = PromptTemplate.objects.filter(name=name).exclude(number=number).order_by("-number")
    before = others.filter(number=other).first()
    context = {
        "row": row,
        "before": before,
        "lines": reading.difference(before.body, row.body) if before else [],
        "is_changed": before is not None and before.body != row.body,
        "numbers": [
            (str(one), f"v{one}") for one in others.values_list("number", flat=True)[:_MOST_NUMBERS]
        ],
        "labels": [one for one in reading.labels_of([name]).get(name, []) if one.number == number],
        "is_intact": is_intact(row),
        "may_manage": may(request, "experiments.manage"),
    }
    return render(request, "analytics/prompts/version.html", context)


@requires("experiments.view")
@require_safe
@answers_errors
def prompt_export(_request: HttpRequest, name: str) -> HttpResponse:
    """Return every version of a prompt as a file that another installation can read."""
    reading.task_of(name)
    answer = HttpResponse(transfer.write_file(name), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="prompt-{name}.json"'
    return answer


def detail_page(
    request: HttpRequest, name: str, errors: dict[str, object], status: int = 200
) -> HttpResponse:
    cursor = request.GET.get("cursor") or None
    page = reading.versions(name, limit=25, cursor=cursor)
    path = reverse("analytics:prompt-detail", args=[name])
    labels, moves = reading.labels_of([name]).get(name, []), reading.moves(name)
    context = {
        "name": name,
        "task": Task(reading.task_of(name)).label,
        "rows": page.rows,
        "next_url": f"{path}?{urlencode({'cursor': page.next})}" if page.next else "",
        "first_url": path if cursor else "",
        "labels": labels,
        "may_go_back": any(one.label == PRODUCTION for one in labels) and _came_from(moves),
        "moves": _with_experiments(moves),
        "choices": [(str(row.public_id), row.version) for row in page.rows],
        "values": request.POST,
        "errors": errors,
        "may_manage": may(request, "experiments.manage"),
    }
    return render(request, "analytics/prompts/detail.html", context, status=status)


def _came_from(moves: list[PromptLabelEvent]) -> bool:
    """Whether production was somewhere else before it came here."""
    last = next((move for move in moves if move.label == PRODUCTION), None)
    return last is not None and last.previous_id is not None


def _with_experiments(moves: list[PromptLabelEvent]) -> list[tuple[PromptLabelEvent, str]]:
    """Return each move with the page of the run that spoke for it, or ""."""
    keys = {move.run_id for move in moves if move.run_id}
    runs = ExperimentRun.objects.filter(run_id__in=keys).values_list("run_id", "public_id")
    urls = {key: reverse("analytics:experiment-detail", args=[pk]) for key, pk in runs}
    return [(move, urls.get(move.run_id, "")) for move in moves]
