"""The comparison as it is stored: numbers only, so that pages and the API say the same.

With labels of people every side is measured by them. Without, sides can only be measured by each
other: the candidate's agreement with the baseline, which says nothing about who is right.
"""

import time
from typing import Any

import numpy as np
from django.utils import timezone

from analytics.experiments import confusion
from analytics.experiments.metrics import MEASURES, Measure, cut, said
from analytics.experiments.pairs import Pairs, Side, load_pairs
from analytics.experiments.service_metrics import service_lines, side_facts
from analytics.experiments.statistics import differences
from analytics.experiments.statistics.bootstrap import Interval, difference, interval
from analytics.experiments.statistics.proportions import holm, mcnemar
from analytics.models import ExperimentRun

# Holm's level for a reading other than "no difference".
LEVEL = 0.05
Line = dict[str, Any]


def compute_report(run: ExperimentRun) -> dict[str, Any]:
    """Return the comparison of what is judged so far."""
    started = time.perf_counter()
    pairs = load_pairs(run)
    baseline, *candidates = pairs.sides
    report: dict[str, Any] = {
        "kind": "quality" if pairs.is_gold else "agreement",
        "n": pairs.size,
        "planned": run.sample.get("planned", 0),
        "conversations": int(np.unique(pairs.clusters).size),
        "sides": {side.arm.key: side_facts(side, pairs) for side in pairs.sides},
        "compared": {side.arm.key: _compared(run, pairs, baseline, side) for side in candidates},
        "confusion": confusion.matrices(pairs),
        "computed_at": timezone.now().isoformat(),
    }
    report["seconds"] = round(time.perf_counter() - started, 3)
    return report


def _compared(run: ExperimentRun, pairs: Pairs, baseline: Side, candidate: Side) -> dict[str, Any]:
    if pairs.is_gold:
        lines = [
            line
            for measure in MEASURES
            if (line := _quality(measure, run, pairs, baseline, candidate))
        ]
    else:
        lines = [
            line
            for measure in MEASURES
            if (line := _agreement(measure, run, pairs, baseline, candidate))
        ]
    lines += service_lines(run, pairs, baseline, candidate)
    _correct(lines, run.primary_metric)
    return {
        "lines": lines,
        "pairs": _right_and_wrong(pairs, baseline, candidate),
        "between": _between(baseline, candidate),
    }


def _quality(
    measure: Measure, run: ExperimentRun, pairs: Pairs, baseline: Side, candidate: Side
) -> Line | None:
    """One measure of both sides against people, on messages that both judged."""
    mask = baseline.ok & candidate.ok & said(pairs.truth, measure.needs)
    if not mask.any():
        return None
    truth, weights = cut(pairs.truth, mask), pairs.weights[mask]
    base = measure.sums(cut(baseline.values, mask), truth, weights)
    cand = measure.sums(cut(candidate.values, mask), truth, weights)
    found = difference(pairs.clusters[mask], base, cand, measure.value, seed=run.seed)
    if found is None:
        return None
    line = _line(measure, found, int(mask.sum()))
    line["baseline"] = _number(measure.value(base.sum(axis=0, keepdims=True))[0])
    line["candidate"] = _number(measure.value(cand.sum(axis=0, keepdims=True))[0])
    return line


def _agreement(
    measure: Measure, run: ExperimentRun, pairs: Pairs, baseline: Side, candidate: Side
) -> Line | None:
    """One measure of the candidate against the baseline; there is no better or worse in it."""
    mask = baseline.ok & candidate.ok
    if not mask.any():
        return None
    sums = measure.sums(
        cut(candidate.values, mask), cut(baseline.values, mask), pairs.weights[mask]
    )
    found = interval(pairs.clusters[mask], sums, measure.value, seed=run.seed)
    if found is None:
        return None
    line = _line(measure, found, int(mask.sum()))
    return line | {"diff": None, "candidate": found.estimate, "baseline": None, "reading": "none"}


def _line(measure: Measure, found: Interval, n: int) -> Line:
    return {
        "key": measure.key,
        "unit": measure.unit,
        "higher_is_better": measure.better == "high",
        "reach": measure.reach,
        "margin": measure.margin,
        "n": n,
        "diff": found.estimate,
        "low": found.low,
        "high": found.high,
        "p": found.p,
    }


def _correct(lines: list[Line], primary: str) -> None:
    """The primary measure was named before and keeps its p; the others share one error."""
    others = [line for line in lines if line["key"] != primary and line.get("p") is not None]
    for line, corrected in zip(others, holm([line["p"] for line in others]), strict=True):
        line["holm"] = corrected
    for line in lines:
        line["is_primary"] = line["key"] == primary
        line["reading"] = line.get("reading") or _reading(line)


def _reading(line: Line) -> str:
    p = line.get("holm", line.get("p"))
    zero_is_outside = line["low"] > 0 or line["high"] < 0
    is_told_apart = zero_is_outside if p is None else p < LEVEL
    if not is_told_apart or not line["diff"]:
        return "same"
    return "better" if (line["diff"] > 0) == line["higher_is_better"] else "worse"


def _right_and_wrong(pairs: Pairs, baseline: Side, candidate: Side) -> dict[str, Any]:
    """Count who named people's level of the sentiment, on messages where the sides differ.

    Messages where both are right or both wrong do not enter McNemar's test, so it also holds when
    people looked at disagreements only.
    """
    both = baseline.ok & candidate.ok
    differ = both & (baseline.values.levels != candidate.values.levels)
    known = both & said(pairs.truth, "sentiment")
    right = [known & (side.values.levels == pairs.truth.levels) for side in (baseline, candidate)]
    b = int((right[0] & ~right[1]).sum())
    c = int((right[1] & ~right[0]).sum())
    test = mcnemar(b, c)
    return {
        "compared": int(both.sum()),
        "differ": int(differ.sum()),
        "labelled": int((differ & known).sum()),
        "baseline_right": b,
        "candidate_right": c,
        "neither_right": int((differ & known & ~right[0] & ~right[1]).sum()),
        "exact": test.exact,
        "mid": test.mid,
    }


def _between(baseline: Side, candidate: Side) -> dict[str, Any]:
    """How the two sides' sentiments relate, whoever is right."""
    both = baseline.ok & candidate.ok
    first, second = candidate.values.sentiment[both], baseline.values.sentiment[both]
    limits = differences.bland_altman(first, second)
    return {
        "bias": differences.bias(first, second),
        "rmse": differences.root_mean_square_error(first, second),
        "pearson": differences.pearson(first, second),
        "spearman": differences.spearman(first, second),
        "limits": [limits.low, limits.high] if limits else None,
    }


def _number(value: Any) -> float | None:
    number = float(value)
    return None if np.isnan(number) else number
