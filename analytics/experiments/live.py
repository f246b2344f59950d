"""Runs on live traffic: a shadow that nobody sees, and a canary that judges for a share.

Who is taken is decided by a hash, so it is the same for every worker and every repetition: of the
message for a shadow, of the conversation for a canary, so that one talk has one analyser.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from analytics.analysis.items import CANARY, ArmSpec, Mark
from analytics.analysis.production import Judge, production_judge, register_split
from analytics.experiments.arms import BASELINE, arms_of, judging_of
from analytics.experiments.estimate import estimate_micros
from analytics.experiments.notices import open_notice
from analytics.experiments.running import complete_run
from analytics.experiments.sampling import item_rows
from analytics.experiments.service_metrics import UNNOTICED
from analytics.experiments.statistics.bootstrap import quantile
from analytics.experiments.statistics.proportions import wilson
from analytics.models import Arm, ExperimentRun, Inference, SampleItem
from evosense.core.errors import DomainError
from messaging.selectors.wordings import wordings_of
from tenancy.services import audit

Mode, Status = ExperimentRun.Mode, ExperimentRun.Status
# Guardrails of a canary: fewer judgements than that say nothing.
FEWEST = 50
MOST_FAILED = 0.05
MOST_SLOWER = 1.5
# Milliseconds a message may take where production makes no call: any call is many times slower than
# none, so what counts is whether people would wait for it.
LONGEST_CALL = 10_000.0
LOOKED_AT = 2_000
_FAILED = ~Q(status=Inference.Status.OK) | Q(is_degraded=True)


def is_taken(run_id: str, key: int, share: float) -> bool:
    """Tell whether a share takes this message or conversation (reference ai.md §3.3)."""
    digest = hashlib.sha256(f"{run_id}|{key}".encode()).hexdigest()
    return int(digest[:8], 16) / 2**32 < share


def canary_arm(conversation_id: int) -> Arm | None:
    """Return the side that judges this conversation in production's place; None: production."""
    run = _canary()
    if run is None or not is_taken(run.run_id, conversation_id, run.share):
        return None
    return run.arms.select_related("template").filter(is_baseline=False).first()


def split(conversation_ids: Sequence[int]) -> Mapping[int, Judge]:
    """Return who judges the conversations of a canary's share; the others are not named."""
    run = _canary()
    if run is None:
        return {}
    taken = [pk for pk in conversation_ids if is_taken(run.run_id, pk, run.share)]
    arm = run.arms.select_related("template").filter(is_baseline=False).first()
    if not taken or arm is None:
        return {}
    try:
        judging = judging_of(arm)
    except DomainError as error:
        _stop(run, error.code, {})
        return {}
    if judging.spec is None:
        return {}
    if not _has_room(run, arm, len(taken)):
        _stop(run, "guardrail_cost", {})
        return {}
    # Without a run's id: these are live judgements, and the embedded analyser stands in for them.
    mark = Mark(run_key=_key(run), arm_key=arm.key)
    return dict.fromkeys(taken, Judge(judging.spec, mark, part="experiments"))


def _has_room(run: ExperimentRun, arm: Arm, messages: int) -> bool:
    """Tell whether the budget pays for so many messages more; each call is held in it besides."""
    if run.budget_micros is None or arm.provider_id is None:
        return True
    return run.spent_micros + estimate_micros([arm], messages).micros <= run.budget_micros


def register() -> None:
    """Let canaries take their share of production."""
    register_split(split)


def take_shadows(message_ids: Collection[int]) -> list[int]:
    """Add messages to the shadow runs that drew them; returns the runs that have work now.

    Production's own judgement becomes the baseline's row: asking again would compare two calls.
    """
    runs = ExperimentRun.objects.filter(mode=Mode.SHADOW, status=Status.RUNNING)
    return [run.pk for run in runs if _take(run, message_ids)]


def _take(run: ExperimentRun, message_ids: Collection[int]) -> int:
    taken = [pk for pk in message_ids if is_taken(run.run_id, pk, run.share)]
    wordings = [one for one in wordings_of(taken) if one.is_inbound and one.kind == "person"]
    live = _live_rows([one.message_id for one in wordings])
    wordings = [one for one in wordings if one.message_id in live and not one.is_history]
    if not wordings:
        return 0
    drawn = {one.message_id: ("", 1.0) for one in wordings}
    with transaction.atomic():
        held = ExperimentRun.objects.select_for_update().get(pk=run.pk)
        room = int(held.sample["size"]) - held.total_messages
        known = SampleItem.objects.filter(run=run, message_id__in=list(drawn))
        have = set(known.values_list("message_id", flat=True))
        new = [one for one in wordings if one.message_id not in have][: max(0, room)]
        items = item_rows(run, new, drawn, first=held.total_messages)
        SampleItem.objects.bulk_create(items, ignore_conflicts=True)
        _copy_live(run, [live[item.message_id] for item in items])
        held.total_messages += len(items)
        held.save(update_fields=["total_messages"])
    return len(items)


def _live_rows(message_ids: Sequence[int]) -> dict[int, Inference]:
    # Without an arm: what a canary's candidate judged is not production's word.
    rows = Inference.objects.filter(
        message_id__in=message_ids, run_id="", arm_key="", is_shadow=False
    )
    return {row.message_id: row for row in rows.order_by("pk")}


def _copy_live(run: ExperimentRun, rows: Sequence[Inference]) -> None:
    for row in rows:
        row.pk, row.run_id, row.run_key = None, run.run_id, run.run_id
        row.arm_key, row.is_shadow, row.call_id = BASELINE, True, None
    Inference.objects.bulk_create(rows, ignore_conflicts=True)


def guard() -> None:
    """Stop a canary whose side fails often or has become slow; people are told."""
    run = _canary()
    if run is None:
        return
    report = canary_report(run)
    run.report = report
    ExperimentRun.objects.filter(pk=run.pk).update(report=report, report_at=timezone.now())
    broken = harm(report) or _of_another_baseline(run)
    if broken:
        _stop(run, broken, report["sides"])
    elif run.processed_messages >= int(run.sample["size"]):
        complete_run(run)


def _of_another_baseline(run: ExperimentRun) -> str:
    """Return why the comparison ends where production is not what the canary began beside."""
    base = next((arm for arm in arms_of(run) if arm.is_baseline), None)
    if base is None:
        return ""
    try:
        began = judging_of(base).spec
    except DomainError as error:
        return str(error.code)
    now = production_judge().arm
    return "" if began is None or _who(began) == _who(now) else "production_changed"


def _who(spec: ArmSpec) -> tuple[object, ...]:
    template, booster = spec.template, spec.booster
    return (
        spec.kind, spec.provider_id, template.pk if template else None,
        booster.pk if booster else None,
    )  # fmt: skip


def harm(report: Mapping[str, Any]) -> str:
    """Return the guardrail that a canary has broken, "" when it keeps all."""
    before, after = report["sides"].get("baseline"), report["sides"].get("candidate-1")
    if not after or after["judged"] < FEWEST:
        return ""
    if after["invalid"] > MOST_FAILED and after["invalid_between"][0] > (
        before["invalid"] if before and before["judged"] else 0.0
    ):
        return "guardrail_failures"
    is_known = before and before["judged"] >= FEWEST
    if is_known and after["latency"]["p95"] > _slowest(before, after):
        return "guardrail_slowness"
    spent, budget = report["spent_micros"], report["budget_micros"]
    return "guardrail_cost" if budget and spent >= budget else ""


def _slowest(before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    """Return the p95 in milliseconds from which a canary is too slow."""
    if after["calls"] and not before["calls"]:
        return LONGEST_CALL
    return MOST_SLOWER * max(float(before["latency"]["p95"]), UNNOTICED)


def canary_report(run: ExperimentRun) -> dict[str, Any]:
    """Return how both sides of a canary behave; who is right is not to be seen here.

    Writes what was judged and spent on the run and its sides.
    """
    since = run.start_date or run.created_at
    sides, spent, judged = {}, {}, 0
    for arm in arms_of(run):
        own = Q(arm_key="") if arm.is_baseline else _of_canary(run)
        rows = Inference.objects.filter(own, run_id="", is_shadow=False, created_at__gte=since)
        facts = rows.aggregate(
            processed=Count("id"),
            failed=Count("id", filter=_FAILED),
            spent_micros=Coalesce(Sum("cost_micros"), 0),
        )
        Arm.objects.filter(pk=arm.pk).update(**facts)
        spent[arm.key] = facts["spent_micros"]
        judged += 0 if arm.is_baseline else facts["processed"]
        sides[arm.key] = _behaviour(list(rows.order_by("-created_at", "-pk")[:LOOKED_AT]))
    run.processed_messages = judged
    # Production pays for the baseline whether there is a canary or not. Calls under way are held in
    # what is spent, so it only grows here.
    cost = sum(micros for key, micros in spent.items() if key != BASELINE)
    ExperimentRun.objects.filter(pk=run.pk).update(
        processed_messages=judged, spent_micros=Greatest(F("spent_micros"), cost)
    )
    run.refresh_from_db(fields=["processed_messages", "spent_micros"])
    return {
        "kind": "canary",
        "n": sum(side["judged"] for side in sides.values()),
        "planned": run.sample.get("planned", 0),
        "sides": sides,
        "compared": {},
        "confusion": {},
        "spent_micros": run.spent_micros,
        "budget_micros": run.budget_micros,
        "computed_at": timezone.now().isoformat(),
    }


def _key(run: ExperimentRun) -> str:
    return f"{CANARY}:{run.run_id}"


def _of_canary(run: ExperimentRun) -> Q:
    """Return what the candidate judged, and what the embedded analyser said in its place."""
    keys = (_key(run), f"degraded:{_key(run)}")
    return Q(run_key__startswith=keys[0]) | Q(run_key__startswith=keys[1])


def _behaviour(rows: Sequence[Inference]) -> dict[str, Any]:
    failed = sum(row.status != Inference.Status.OK or row.is_degraded for row in rows)
    took = np.sort(np.array([row.latency_ms for row in rows if not row.is_cached], dtype=float))
    between = wilson(failed, len(rows))
    return {
        "judged": len(rows),
        "models": sorted({row.model_name for row in rows if not row.is_degraded}),
        "calls": sum(row.call_id is not None for row in rows),
        "invalid": failed / len(rows) if rows else None,
        "invalid_between": list(between) if between else None,
        "latency": {
            name: quantile(took, q) if took.size else 0.0
            for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        },
        "cost_micros": sum(row.cost_micros for row in rows),
        "cost_per_1000": sum(row.cost_micros for row in rows) / len(rows) * 1000 if rows else None,
        "seconds": None,
    }


def _canary() -> ExperimentRun | None:
    return ExperimentRun.objects.filter(mode=Mode.CANARY, status=Status.RUNNING).first()


@transaction.atomic
def _stop(run: ExperimentRun, why: str, facts: Mapping[str, Any]) -> None:
    changed = ExperimentRun.objects.filter(pk=run.pk, status=Status.RUNNING).update(
        status=Status.FAILED, error=why[:40], end_date=timezone.now()
    )
    if not changed:
        return
    open_notice("canary_stopped", run.run_id, {"name": run.name, "why": why, "sides": dict(facts)})
    audit.record(
        "experiment.canary_stopped",
        object_type="experiment",
        object_id=run.public_id,
        object_label=run.name,
        changes={"reason": [None, why]},
    )
