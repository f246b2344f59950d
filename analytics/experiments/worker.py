"""A turn of one run: batches of messages, each read by every side before the next batch.

Sides take turns at going first, so that a slow hour of a provider slows all of them alike. What is
judged is kept side by side under a unique key, and a batch is done when all sides are; a worker
that is killed therefore costs at most one batch asked twice, and doubles nothing.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone

from analytics.analysis.items import Item
from analytics.analysis.judging import judge_items
from analytics.analysis.paid import RUN_BUDGET, UNCOUNTABLE
from analytics.analysis.rows import write_rows
from analytics.experiments.arms import Judging, arms_of, judging_of
from analytics.experiments.running import LIVE_MODES, complete_run, fail_run, stop_for
from analytics.experiments.sampling import freeze_sample
from analytics.experiments.yardstick import judge_by_words
from analytics.models import Arm, ExperimentRun, Inference, ModelCall, SampleItem
from analytics.values import Turn
from evosense.core.errors import DomainError
from messaging.selectors.wordings import names_in

# Longer than a batch of a slow provider takes; below the lease of the fair ring.
LEASE = timedelta(seconds=170)
TURN_SECONDS = 15.0
EMBEDDED_BATCH, PROVIDER_BATCH = 200, 20
PART = "experiments"


@dataclass(frozen=True, slots=True)
class Side:
    arm: Arm
    judging: Judging


def take_turn(run_pk: int, *, seconds: float = TURN_SECONDS, lease: timedelta = LEASE) -> bool:
    """Judge for about so long; tells whether some of the run is left for another turn.

    Returns False at once when another worker has the run, or it is not running.
    """
    run = _claim(run_pk, lease)
    if run is None:
        return False
    try:
        sides = [Side(arm, judging_of(arm)) for arm in arms_of(run)]
        if run.mode not in LIVE_MODES and not freeze_sample(run):
            fail_run(run, "empty_sample")
            return False
        return _work(run, sides, until=time.monotonic() + seconds, lease=lease)
    except DomainError as error:
        stop_for(run, error.code)
        return False
    finally:
        _release(run)


def _work(run: ExperimentRun, sides: Sequence[Side], *, until: float, lease: timedelta) -> bool:
    size = PROVIDER_BATCH if any(one.arm.provider_id for one in sides) else EMBEDDED_BATCH
    while time.monotonic() < until:
        if not _still_mine(run, lease):
            return False
        if _is_spent(run):
            stop_for(run, "budget")
            return False
        batch = list(SampleItem.objects.filter(run=run, done_at=None).order_by("position")[:size])
        if not batch:
            return _end(run)
        reason = _judge(run, sides, batch)
        if reason:
            stop_for(run, reason)
            return False
    return True


def _judge(run: ExperimentRun, sides: Sequence[Side], batch: Sequence[SampleItem]) -> str:
    """Let every side read the batch; returns why money let some of it out, "" when it did not."""
    first = batch[0].position % len(sides)
    reason = ""
    for side in [*sides[first:], *sides[:first]]:
        reason = _judge_by(run, side, batch) or reason
    if not reason:
        ids = [item.pk for item in batch]
        SampleItem.objects.filter(pk__in=ids, done_at=None).update(done_at=timezone.now())
    _count(run)
    return reason


def _judge_by(run: ExperimentRun, side: Side, batch: Sequence[SampleItem]) -> str:
    """Judge what this side has not judged yet; returns why nobody was asked for some of it."""
    have = Inference.objects.filter(
        run_id=run.run_id, arm_key=side.arm.key, message_id__in=[one.message_id for one in batch]
    )
    known = set(have.values_list("message_id", flat=True))
    items = items_of([one for one in batch if one.message_id not in known])
    if not items:
        return ""
    if side.judging.spec is None:
        with transaction.atomic():
            write_rows(judge_by_words(items, run_id=run.run_id, arm_key=side.arm.key))
        return ""
    rows = judge_items(
        items,
        side.judging.spec,
        run_key=run.run_id,
        run_id=run.run_id,
        arm_key=side.arm.key,
        is_shadow=True,
        part=PART,
    )
    skipped = [row.error for row in rows if row.status == Inference.Status.SKIPPED_BUDGET]
    if skipped:
        return "budget" if RUN_BUDGET in skipped else "company_budget"
    return next((row.error for row in rows if row.error in UNCOUNTABLE), "")


def items_of(batch: Sequence[SampleItem]) -> list[Item]:
    """Return frozen messages as every side reads them, with the names that must not leave."""
    names = names_in(one.conversation_id for one in batch)
    return [
        Item(
            one.message_id,
            one.text,
            [Turn(turn["who"], turn["text"]) for turn in one.context],
            names.get(one.conversation_id, ()),
        )
        for one in batch
    ]


def _end(run: ExperimentRun) -> bool:
    """Complete what has nothing left; a shadow goes on until it has seen what it planned."""
    run.refresh_from_db(fields=["total_messages"])
    if run.mode in LIVE_MODES and run.total_messages < int(run.sample["size"]):
        return False
    complete_run(run)
    return False


def _is_spent(run: ExperimentRun) -> bool:
    run.refresh_from_db(fields=["budget_micros", "spent_micros"])
    return run.budget_micros is not None and run.spent_micros >= run.budget_micros > 0


def _count(run: ExperimentRun) -> None:
    """Write the counters from the rows themselves: counting up would forget what a kill cut off."""
    items = SampleItem.objects.filter(run=run, done_at__isnull=False).count()
    rows = Inference.objects.filter(run_id=run.run_id)
    failed = ~Q(status=Inference.Status.OK) | Q(is_degraded=True)
    sides = rows.values("arm_key").annotate(all=Count("id"), failed=Count("id", filter=failed))
    spent = _spent(run)
    for side in sides:
        Arm.objects.filter(run=run, key=side["arm_key"]).update(
            processed=side["all"],
            failed=side["failed"],
            spent_micros=spent.get(side["arm_key"], 0),
        )
    ExperimentRun.objects.filter(pk=run.pk).update(
        processed_messages=items, spent_micros=sum(spent.values())
    )


def _spent(run: ExperimentRun) -> dict[str, int]:
    """Return what each side's calls cost, failed ones and repairs included."""
    since = run.start_date or run.created_at
    rows = ModelCall.objects.filter(created_at__gte=since, run_id=run.run_id)
    return dict(rows.values_list("arm_key").annotate(cost=Sum("cost_micros")))


def _claim(run_pk: int, lease: timedelta) -> ExperimentRun | None:
    now = timezone.now()
    free = Q(worker_until=None) | Q(worker_until__lte=now)
    rows = ExperimentRun.objects.filter(free, pk=run_pk, status=ExperimentRun.Status.RUNNING)
    # The canary's sides judge in production's own worker.
    rows = rows.exclude(mode=ExperimentRun.Mode.CANARY)
    until = now + lease
    if not rows.update(worker_until=until):
        return None
    return ExperimentRun.objects.filter(pk=run_pk, worker_until=until).first()


def _still_mine(run: ExperimentRun, lease: timedelta) -> bool:
    """Renew the lease; False when the run was paused, ended, or taken over after a long pause."""
    rows = ExperimentRun.objects.filter(pk=run.pk, status=ExperimentRun.Status.RUNNING)
    until = timezone.now() + lease
    changed = rows.filter(worker_until=run.worker_until).update(worker_until=until)
    if changed:
        run.worker_until = until
    return bool(changed)


def _release(run: ExperimentRun) -> None:
    ExperimentRun.objects.filter(pk=run.pk, worker_until=run.worker_until).update(worker_until=None)
