"""What people do with an experiment."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from analytics.experiments import promotion, running
from analytics.experiments.disagreements import ask_people, check_arm
from analytics.models import ExperimentRun
from analytics.views.authors import author_of
from analytics.views.experiments.asking import micros_of
from analytics.views.experiments.detail import detail_page
from evosense.core.errors import DomainError
from evosense.core.pages import answers_errors, do_and_say, field_errors
from tenancy.models import Membership
from tenancy.permissions import requires


def is_owner(request: HttpRequest) -> bool:
    membership = getattr(request, "membership", None)
    return membership is not None and membership.role == Membership.Role.OWNER


@requires("experiments.manage")
@require_POST
@answers_errors
def experiment_start(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    """Begin a draft."""
    return _act(request, experiment_id, running.start_run, _("It has begun"))


@requires("experiments.manage")
@require_POST
@answers_errors
def experiment_pause(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    return _act(request, experiment_id, running.pause_run, _("It is paused"))


@requires("experiments.manage")
@require_POST
@answers_errors
def experiment_resume(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    """Go on; `budget` in whole currency replaces the one that may be used up."""

    def resume(run: ExperimentRun) -> None:
        running.resume_run(run, budget_micros=micros_of(request.POST.get("budget", "")))

    return _act(request, experiment_id, resume, _("It goes on"))


@requires("experiments.manage")
@require_POST
@answers_errors
def experiment_cancel(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    return _act(request, experiment_id, running.cancel_run, _("It is cancelled"))


@requires("experiments.manage")
@require_POST
@answers_errors
def experiment_end(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    """End a shadow or a canary."""
    return _act(request, experiment_id, running.end_run, _("It has ended"))


@requires("experiments.manage")
@require_POST
@answers_errors
def experiment_review(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    """Ask people about a hundred disagreements, without showing them who said what."""
    run = running.run_of(experiment_id)
    key = check_arm(run, request.POST.get("arm", ""))
    do_and_say(request, lambda: ask_people(run, key), _("They wait in the review"))
    return redirect("analytics:experiment-detail", experiment_id)


@requires("experiments.manage")
@require_POST
@answers_errors
def experiment_promote(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    """Let the candidate judge; a refusal shows the page again with what was written."""
    run = running.run_of(experiment_id)
    key = check_arm(run, request.POST.get("arm", ""))
    reason = request.POST.get("reason", "")
    try:
        promotion.promote(
            run, key, author=author_of(request), reason=reason, may_override=is_owner(request)
        )
    except DomainError as error:
        return detail_page(request, run, key, errors=field_errors(error), reason=reason, status=422)
    messages.success(request, _("The candidate judges from now on"))
    return redirect("analytics:experiment-detail", experiment_id)


@requires("experiments.manage")
@require_POST
@answers_errors
def experiment_roll_back(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    """Put back who judged before."""

    def back(run: ExperimentRun) -> None:
        promotion.roll_back(run, author=author_of(request))

    return _act(request, experiment_id, back, _("Who judged before judges again"))


def _act(
    request: HttpRequest, experiment_id: UUID, act: Callable[[ExperimentRun], object], done: str
) -> HttpResponse:
    run = running.run_of(experiment_id)
    do_and_say(request, lambda: act(run), done)
    return redirect("analytics:experiment-detail", experiment_id)
