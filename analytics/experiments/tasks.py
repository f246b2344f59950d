"""Work of experiments in fair order, the report, and what is swept."""

from typing import Any

from celery import shared_task
from django.db.models import Q
from django.utils import timezone

from analytics.experiments import canary_set, drift, live
from analytics.experiments.report import compute_report
from analytics.experiments.running import Status
from analytics.experiments.worker import take_turn
from analytics.models import ExperimentRun, SampleItem
from evosense.core.schema import enqueue
from tenancy.db.tickets import fair_enqueue

# A running comparison is computed again when it is older than that.
STALE_SECONDS = 20


def wake(run_pk: int) -> None:
    """Have a worker take the run, after the commit."""
    fair_enqueue("ai", run_experiment, run_pk=run_pk)


@shared_task(name="analytics.run_experiment")
def run_experiment(*, run_pk: int) -> None:
    """Judge for one turn; goes on in a turn of its own while some is left."""
    left = take_turn(run_pk)
    if is_report_stale(run_pk):
        enqueue(compute_report_of, run_pk=run_pk)
    if left:
        wake(run_pk)


@shared_task(name="analytics.compute_report", queue="ai")
def compute_report_of(*, run_pk: int) -> None:
    """Compute the comparison and store it; a run that failed to be compared says so."""
    run = ExperimentRun.objects.select_related("gold_set").filter(pk=run_pk).first()
    if run is None or run.status == Status.DRAFT:
        return
    report = compute_report(run) if run.mode != run.Mode.CANARY else live.canary_report(run)
    ExperimentRun.objects.filter(pk=run_pk).update(report=report, report_at=timezone.now())


@shared_task(name="analytics.shadow_messages", allow_suspended=True)
def shadow_messages(*, event_id: int, payload: dict[str, Any]) -> None:  # noqa: ARG001
    """Take a share of what was just judged into the shadow runs under way."""
    for run_pk in live.take_shadows(payload["message_ids"]):
        wake(run_pk)


@shared_task(name="analytics.guard_canary", expires=290)
def guard_canary() -> None:
    """Look at the canary under way, if there is one, and stop it when it does harm."""
    live.guard()


@shared_task(name="analytics.sweep_experiments", expires=55)
def sweep_experiments() -> None:
    """Pick up runs whose worker died, and comparisons that were never computed."""
    now = timezone.now()
    free = Q(worker_until=None) | Q(worker_until__lte=now)
    running = ExperimentRun.objects.filter(free, status=Status.RUNNING)
    for run in running.exclude(mode=ExperimentRun.Mode.CANARY):
        is_undrawn = not run.total_messages and run.mode != run.Mode.SHADOW
        if is_undrawn or SampleItem.objects.filter(run=run, done_at=None).exists():
            wake(run.pk)
    for pk in ExperimentRun.objects.filter(
        status=Status.COMPLETED, report__isnull=True
    ).values_list("pk", flat=True):
        enqueue(compute_report_of, run_pk=pk)


@shared_task(name="analytics.watch_drift", expires=3600)
def watch_drift() -> None:
    """Compare yesterday's judgements with those of the four weeks before, and the known ones."""
    drift.watch()
    canary_set.watch()


def ask_for_fresh_figures(run: ExperimentRun) -> bool:
    """Have a canary's figures counted anew for whoever looks, by one of all who look at once."""
    if run.mode != run.Mode.CANARY or not is_report_stale(run.pk):
        return False
    rows = ExperimentRun.objects.filter(pk=run.pk, report_at=run.report_at)
    mine = bool(rows.update(report_at=timezone.now()))
    if mine:
        enqueue(compute_report_of, run_pk=run.pk)
    return mine


def is_report_stale(run_pk: int) -> bool:
    """Tell whether a run's comparison should be computed now: it ended, or some time has gone."""
    run = ExperimentRun.objects.filter(pk=run_pk).only("status", "report_at", "end_date").first()
    if run is None:
        return False
    if run.report_at is None or run.status != Status.RUNNING:
        return run.end_date is None or run.report_at is None or run.report_at < run.end_date
    return (timezone.now() - run.report_at).total_seconds() > STALE_SECONDS
