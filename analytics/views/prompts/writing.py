"""Writing versions, moving labels, bringing files."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from analytics.models import PromptTemplate, Task
from analytics.models.prompts import PRODUCTION
from analytics.prompting import labels, reading, transfer
from analytics.prompting.labels import Why
from analytics.prompting.render import VARIABLES
from analytics.prompting.versions import create_version
from analytics.views.authors import author_of
from analytics.views.prompts.forms import (
    Draft,
    draft_from,
    draft_of,
    fields_of,
    house_draft,
)
from analytics.views.prompts.lists import detail_page
from evosense.core.errors import Conflict, DomainError, Invalid
from evosense.core.pages import answers_errors, do_and_say, field_errors
from tenancy.permissions import requires


@requires("experiments.manage")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def prompt_create(request: HttpRequest) -> HttpResponse:
    """Write a prompt; the form begins like the version `de` or the house's template `modelo`."""
    if request.method != "POST":
        return _form(request, _start(request), {})
    draft = draft_of(request.POST)
    try:
        row = create_version(**fields_of(draft), author=author_of(request))
    except DomainError as error:
        return _form(request, draft, _by_field(error), status=422)
    messages.success(request, _("%(version)s is written") % {"version": row.version})
    return redirect("analytics:prompt-version", row.name, row.number)


@requires("experiments.manage")
@require_POST
@answers_errors
def label_move(request: HttpRequest, name: str) -> HttpResponse:
    """Point a label at a version."""
    try:
        row = _version_of(name, request.POST.get("version", ""))
        label = request.POST.get("label", "").strip()
        why = Why(request.POST.get("reason", ""))
        labels.move_label(label, row, author=author_of(request), why=why)
    except DomainError as error:
        return detail_page(request, name, field_errors(error), status=422)
    messages.success(request, _("The label moved"))
    return redirect("analytics:prompt-detail", name)


@requires("experiments.manage")
@require_POST
@answers_errors
def label_remove(request: HttpRequest, name: str, label: str) -> HttpResponse:
    """Take a label away; for production the template of the house judges from then on."""
    reading.task_of(name)
    reason = request.POST.get("reason", "")
    try:
        labels.remove_label(name, label, author=author_of(request), reason=reason)
    except DomainError as error:
        return detail_page(request, name, field_errors(error), status=422)
    messages.success(request, _("The label is gone"))
    return redirect("analytics:prompt-detail", name)


@requires("experiments.manage")
@require_POST
@answers_errors
def label_protect(request: HttpRequest, name: str, label: str) -> HttpResponse:
    """Let a label move only with a reason and by people, or freely."""
    reading.task_of(name)
    wanted = request.POST.get("protected") == "1"
    do_and_say(
        request, lambda: labels.protect(name, label, is_protected=wanted), _("It is changed")
    )
    return redirect("analytics:prompt-detail", name)


@requires("experiments.manage")
@require_POST
@answers_errors
def prompt_roll_back(request: HttpRequest, name: str) -> HttpResponse:
    """Move production back to where it was; only from the page of the prompt that has it."""
    task = reading.task_of(name)
    reason = request.POST.get("reason", "")

    def roll_back() -> None:
        if not any(one.label == PRODUCTION for one in reading.labels_of([name]).get(name, [])):
            raise Conflict("no_earlier_version", _("There is nothing to go back to."))
        labels.roll_back(task, author=author_of(request), reason=reason.strip() or _("Rolled back"))

    do_and_say(request, roll_back, _("Production is where it was"))
    return redirect("analytics:prompt-detail", name)


@requires("experiments.manage")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def prompt_import(request: HttpRequest) -> HttpResponse:
    """Bring the versions of a file, all or none."""
    if request.method != "POST":
        return render(request, "analytics/prompts/import.html", {"errors": {}})
    try:
        upload = request.FILES.get("file")
        if upload is None:
            raise Invalid("required", _("Choose a file."), field="file")
        raw = upload.read(transfer.LONGEST_FILE + 1)
        rows = transfer.read_file(
            raw, author=author_of(request), name=request.POST.get("name", "").strip()
        )
    except DomainError as error:
        context = {"errors": field_errors(error), "name": request.POST.get("name", "")}
        return render(request, "analytics/prompts/import.html", context, status=422)
    said = ngettext("%(n)s version was written", "%(n)s versions were written", len(rows))
    messages.success(request, said % {"n": len(rows)})
    return redirect("analytics:prompt-list")


def _start(request: HttpRequest) -> Draft:
    name, _at, number = request.GET.get("de", "").partition("@")
    if name and number.isdecimal() and len(number) < 7:
        return draft_from(reading.numbered(name, int(number)))
    return house_draft(request.GET.get("modelo", ""))


def _version_of(name: str, raw: str) -> PromptTemplate:
    problem = Invalid("invalid", _("Choose one of the list."), field="version")
    try:
        row = PromptTemplate.objects.filter(name=name, public_id=UUID(raw)).first()
    except ValueError as error:
        raise problem from error
    if row is None:
        raise problem
    return row


def _by_field(error: DomainError) -> dict[str, Any]:
    """Return the refusal by the form's names: it shows each parameter as a field of its own."""
    found = field_errors(error)
    return {name.removeprefix("model_params."): words for name, words in found.items()}


def _form(
    request: HttpRequest, draft: Draft, errors: dict[str, object], status: int = 200
) -> HttpResponse:
    context = {
        "draft": draft,
        "errors": errors,
        "tasks": Task.choices,
        "variables": [
            (task.label, [f"{{{{{name}}}}}" for name in sorted(VARIABLES[task])])
            for task in Task
            if not draft.based_on or task == draft.task
        ],
        "is_new": not draft.based_on,
        "task_words": dict(Task.choices).get(draft.task, ""),
    }
    return render(request, "analytics/prompts/form.html", context, status=status)
