"""Beginning, holding, going on, ending: each by one UPDATE on the state that it needs."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.analysis.paid import UNCOUNTABLE
from analytics.experiments.arms import arms_of, judging_of
from analytics.experiments.estimate import check_countable
from analytics.models import ExperimentRun, Inference
from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.schema import enqueue
from tenancy.services import audit

Status = ExperimentRun.Status
Mode = ExperimentRun.Mode
LIVE_MODES = frozenset({Mode.SHADOW, Mode.CANARY})
OPEN = frozenset({Status.DRAFT, Status.RUNNING, Status.PAUSED})


def run_of(public_id: UUID) -> ExperimentRun:
    """Return an experiment; raises NotFound."""
    found = ExperimentRun.objects.select_related("gold_set").filter(public_id=public_id).first()
    if found is None:
        raise NotFound("experiment_not_found", _("This experiment does not exist."))
    return found


def start_run(run: ExperimentRun) -> None:
    """Let a draft judge; raises Conflict when a side is gone or a canary is under way."""
    for arm in arms_of(run):
        judging_of(arm)
    now = timezone.now()
    try:
        with transaction.atomic():
            _move(run, {Status.DRAFT}, Status.RUNNING, "started", start_date=now)
            _wake(run)
    except IntegrityError as error:
        message = _("Another canary is under way. End it first.")
        raise Conflict("canary_running", message) from error


@transaction.atomic
def pause_run(run: ExperimentRun) -> None:
    """Judge nothing more until it is resumed; what is under way is finished and kept."""
    _move(run, {Status.RUNNING}, Status.PAUSED, "paused")


@transaction.atomic
def resume_run(run: ExperimentRun, *, budget_micros: int | None = None) -> None:
    """Go on where it stopped; one that stopped for its budget needs a larger one."""
    extra: dict[str, Any] = {"error": ""}
    if budget_micros is not None:
        extra["budget_micros"] = budget_micros
    limit = budget_micros if budget_micros is not None else run.budget_micros
    check_countable(limit, arms_of(run))
    if limit is not None and limit <= _used_up(run):
        message = _("What is left does not pay for the next call: allow more than the budget.")
        raise Invalid("budget_used_up", message, field="budget_micros")
    _move(run, {Status.PAUSED}, Status.RUNNING, "resumed", **extra)
    _wake(run)


def _used_up(run: ExperimentRun) -> int:
    """Return which budget in millionths is too small to go on with."""
    before = run.budget_micros if run.error == "budget" else None
    return max(run.spent_micros, before or 0)


@transaction.atomic
def cancel_run(run: ExperimentRun) -> None:
    """End it: what was judged stays readable, and nothing is promoted from it."""
    _move(run, OPEN, Status.CANCELLED, "cancelled", end_date=timezone.now(), error="")


@transaction.atomic
def end_run(run: ExperimentRun) -> None:
    """End a run on live traffic with what it has seen so far; its report is computed once more."""
    if run.mode not in LIVE_MODES:
        raise Conflict("not_live", _("This experiment ends by itself."))
    ended = {"end_date": timezone.now(), "error": ""}
    _move(run, {Status.RUNNING, Status.PAUSED}, Status.COMPLETED, "ended", **ended)
    ask_for_report(run)


def complete_run(run: ExperimentRun) -> bool:
    """Note that everything is judged; False when somebody ended or paused it meanwhile."""
    changed = ExperimentRun.objects.filter(pk=run.pk, status=Status.RUNNING).update(
        status=Status.COMPLETED, end_date=timezone.now(), worker_until=None
    )
    return bool(changed)


@transaction.atomic
def stop_for(run: ExperimentRun, error: str) -> bool:
    """Pause for a reason that a person can mend, such as "budget"; False when not running.

    Rows that only say that nobody was asked are taken away, so that resuming asks.
    """
    changed = ExperimentRun.objects.filter(pk=run.pk, status=Status.RUNNING).update(
        status=Status.PAUSED, error=error[:40], worker_until=None
    )
    unasked = Q(status=Inference.Status.SKIPPED_BUDGET) | Q(error__in=UNCOUNTABLE)
    Inference.objects.filter(unasked, run_id=run.run_id).delete()
    return bool(changed)


def fail_run(run: ExperimentRun, error: str) -> None:
    """End it for a reason that time does not heal."""
    ExperimentRun.objects.filter(pk=run.pk, status=Status.RUNNING).update(
        status=Status.FAILED, error=error[:40], end_date=timezone.now(), worker_until=None
    )


def ask_for_report(run: ExperimentRun) -> None:
    """Have the comparison computed by a worker."""
    from analytics.experiments.tasks import compute_report_of  # noqa: PLC0415  (tasks call us)

    enqueue(compute_report_of, run_pk=run.pk)


def _move(run: ExperimentRun, before: Collection[str], after: str, act: str, **extra: Any) -> None:
    rows = ExperimentRun.objects.filter(pk=run.pk, status__in=before)
    if not rows.update(status=after, **extra):
        message = _("The experiment is in another state by now.")
        raise Conflict("wrong_state", message)
    audit.record(
        f"experiment.{act}",
        object_type="experiment",
        object_id=run.public_id,
        object_label=run.name,
        changes={"status": [run.status, after]},
    )
    run.status = after


def _wake(run: ExperimentRun) -> None:
    from analytics.experiments.tasks import wake  # noqa: PLC0415  (tasks call us)

    wake(run.pk)
