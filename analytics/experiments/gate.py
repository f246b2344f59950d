"""Whether a candidate may judge: each condition with its threshold, all of them shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analytics.analysis.settings import ai_settings
from analytics.experiments.arms import arms_of
from analytics.experiments.currency import currencies_of, spent_by
from analytics.experiments.service_metrics import SLOWER, UNNOTICED
from analytics.models import ExperimentRun

# Thresholds of reference ai.md §3.6.
MORE_FLIPS = 0.01
MOST_INVALID = 0.01
CHEAPER = 0.8
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; `facts` are the numbers that its sentence needs."""

    key: str
    holds: bool
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Gate:
    conditions: tuple[Condition, ...]

    @property
    def is_open(self) -> bool:
        return all(one.holds for one in self.conditions)

    @property
    def held(self) -> int:
        return sum(one.holds for one in self.conditions)

    def snapshot(self) -> list[dict[str, Any]]:
        """Return it as it is kept with a decision."""
        return [
            {"key": one.key, "holds": one.holds, "facts": dict(one.facts)}
            for one in self.conditions
        ]


def gate_of(run: ExperimentRun, key: str) -> Gate:
    """Return the conditions for the candidate `key`, from the stored report."""
    report = run.report or {}
    compared = report.get("compared", {}).get(key) or {"lines": [], "pairs": {}}
    lines = {line["key"]: line for line in compared["lines"]}
    sides = report.get("sides", {})
    is_quality = report.get("kind") == "quality"
    return Gate(
        (
            _size(run, report),
            _primary(run, lines, compared["pairs"], is_quality=is_quality),
            _flips(lines, is_quality=is_quality),
            _invalid(sides.get(key)),
            _slowness(lines.get("latency_p95")),
            _money(run),
        )
    )


def _size(run: ExperimentRun, report: Mapping[str, Any]) -> Condition:
    n, planned = report.get("n", 0), int(run.sample.get("planned", 0))
    return Condition("size", n >= planned > 0, {"n": n, "planned": planned})


def _primary(
    run: ExperimentRun, lines: Mapping[str, Any], pairs: Mapping[str, Any], *, is_quality: bool
) -> Condition:
    """Better than the baseline beyond doubt, or not worse and much cheaper or quicker."""
    if not is_quality:
        return _decided_by_people(pairs)
    line = lines.get(run.primary_metric)
    if line is None:
        return Condition("primary", holds=False, facts={"why": "no_value"})
    sign = 1 if line["higher_is_better"] else -1
    worst = min(sign * line["low"], sign * line["high"])
    facts = {"low": line["low"], "high": line["high"], "unit": line["unit"], "key": line["key"]}
    if worst > 0:
        return Condition("primary", holds=True, facts={**facts, "why": "better"})
    margin = line["margin"]
    spares = margin is not None and worst > -margin and _spares(lines)
    return Condition("primary", spares, {**facts, "why": "spares" if spares else "not_better"})


def _decided_by_people(pairs: Mapping[str, Any]) -> Condition:
    """Without a gold set only people's words on the disagreements can speak for a side."""
    b, c = pairs.get("baseline_right", 0), pairs.get("candidate_right", 0)
    p = pairs.get("mid", 1.0)
    facts = {"why": "people" if b + c else "no_labels", "b": b, "c": c, "p": p}
    return Condition("primary", c > b and p < SIGNIFICANT, facts)


def _spares(lines: Mapping[str, Any]) -> bool:
    """Tell whether the candidate costs or takes at least a fifth less."""
    cost, took = lines.get("cost"), lines.get("latency_p95")
    is_cheap = cost is not None and cost["diff"] <= CHEAPER - 1
    is_quick = took is not None and 0 < took["candidate"] <= CHEAPER * took["baseline"]
    return is_cheap or is_quick


def _flips(lines: Mapping[str, Any], *, is_quality: bool) -> Condition:
    line = lines.get("flip_rate")
    if line is None:
        return Condition("flips", holds=False, facts={"why": "no_value"})
    more = line["diff"] if is_quality else line["candidate"]
    facts = {"more": more, "most": MORE_FLIPS, "is_quality": is_quality}
    return Condition("flips", more <= MORE_FLIPS, facts)


def _invalid(side: Mapping[str, Any] | None) -> Condition:
    rate = side["invalid"] if side else None
    facts = {"rate": rate, "most": MOST_INVALID}
    return Condition("invalid", rate is not None and rate <= MOST_INVALID, facts)


def _slowness(line: Mapping[str, Any] | None) -> Condition:
    if line is None:
        return Condition("slowness", holds=False, facts={"why": "no_value"})
    before, after = line["baseline"], line["candidate"]
    facts = {
        "before": before,
        "after": after,
        "times": after / before if before else None,
        "most": SLOWER,
        "unnoticed": UNNOTICED,
    }
    # The floor decides; what people read are the measured times.
    return Condition("slowness", after <= SLOWER * max(before, UNNOTICED), facts)


def _money(run: ExperimentRun) -> Condition:
    arms = arms_of(run)
    within = run.budget_micros is None or run.spent_micros <= run.budget_micros
    return Condition(
        "money",
        within and run.error != "budget",
        {
            "spent": run.spent_micros,
            "spent_by": spent_by(run, arms, currencies_of(arms)),
            "budget": run.budget_micros,
            "currency": ai_settings().currency,
        },
    )
