"""What a side costs and how it behaves: invalid answers, time, money; labels do not matter here."""

from typing import Any

import numpy as np

from analytics.analysis.settings import ai_settings
from analytics.experiments.currency import currency_of
from analytics.experiments.pairs import Pairs, Side
from analytics.experiments.statistics import bootstrap
from analytics.experiments.statistics.arrays import Floats
from analytics.experiments.statistics.proportions import wilson
from analytics.models import ExperimentRun

# Slower than that is too slow (reference ai.md §3.6).
SLOWER = 1.25
# Milliseconds below which nobody could tell: ratios of such times mean nothing.
UNNOTICED = 100.0


def side_facts(side: Side, pairs: Pairs) -> dict[str, Any]:
    """Return what one side did, in numbers."""
    ordered = np.sort(side.latencies)
    judged = sum(side.statuses.values())
    invalid = judged - side.statuses.get("ok", 0)
    between = wilson(invalid, judged)
    return {
        "judged": judged,
        "models": list(side.models),
        "statuses": dict(side.statuses),
        "invalid": invalid / judged if judged else None,
        "invalid_between": list(between) if between else None,
        "latency": {
            name: bootstrap.quantile(ordered, q) if ordered.size else None
            for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        },
        "cost_micros": int(side.costs.sum()),
        "cost_per_1000": side.costs.sum() / pairs.size * 1000 if pairs.size else None,
        "seconds": (side.ended - side.began).total_seconds() if side.began and side.ended else None,
    }


def service_lines(
    run: ExperimentRun, pairs: Pairs, baseline: Side, candidate: Side
) -> list[dict[str, Any]]:
    """Return the lines of invalid answers, time and money."""
    lines = [_invalid(run, pairs, baseline, candidate), _slowness(run, baseline, candidate)]
    if baseline.costs.any() and _have_one_currency(baseline, candidate):
        lines.append(_cost(run, pairs, baseline, candidate))
    return [line for line in lines if line]


def _invalid(
    run: ExperimentRun, pairs: Pairs, baseline: Side, candidate: Side
) -> dict[str, Any] | None:
    first, second = (_shares((~side.ok).astype(np.float64)) for side in (baseline, candidate))
    found = bootstrap.difference(pairs.clusters, first, second, bootstrap.share, seed=run.seed)
    line = _line("invalid_rate", "share", found, reach=0.05, n=pairs.size)
    if line:
        line["baseline"], line["candidate"] = (
            float((~baseline.ok).mean()),
            float((~candidate.ok).mean()),
        )
    return line


def _slowness(run: ExperimentRun, baseline: Side, candidate: Side) -> dict[str, Any] | None:
    found = bootstrap.quantile_difference(
        baseline.latencies, candidate.latencies, 0.95, seed=run.seed
    )
    if found is None:
        return None
    before = bootstrap.quantile(np.sort(baseline.latencies), 0.95)
    # The axis is relative: half as slow again reaches its end.
    line = _line("latency_p95", "milliseconds", found, reach=max(before, UNNOTICED) / 2, n=0)
    if line is None:
        return None
    after = before + found.estimate
    line |= {"baseline": before, "candidate": after, "n": int(candidate.latencies.size)}
    line["is_tolerable"] = after <= max(before, UNNOTICED) * SLOWER
    return line


def _cost(
    run: ExperimentRun, pairs: Pairs, baseline: Side, candidate: Side
) -> dict[str, Any] | None:
    def relative(totals: Floats) -> Floats:
        before, after = totals[..., 0], totals[..., 1]
        share = np.divide(after, before, out=np.full_like(before, np.nan), where=before > 0)
        return np.asarray(share - 1)

    currency = currency_of(baseline.arm) or currency_of(candidate.arm)
    both = np.column_stack([baseline.costs, candidate.costs])
    found = bootstrap.interval(pairs.clusters, both, relative, seed=run.seed)
    line = _line("cost", "money", found, reach=0.5, n=pairs.size)
    if line:
        line["baseline"], line["candidate"] = (both.sum(axis=0) / pairs.size * 1000).tolist()
        line["currency"] = currency or ai_settings().currency
    return line


def _have_one_currency(baseline: Side, candidate: Side) -> bool:
    """Tell whether costs may be compared: nobody knows a rate here."""
    known = {currency_of(side.arm) for side in (baseline, candidate)} - {""}
    return len(known) < 2


def _line(
    key: str, unit: str, found: bootstrap.Interval | None, *, reach: float, n: int
) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "key": key,
        "unit": unit,
        "higher_is_better": False,
        "reach": reach,
        "margin": None,
        "n": n,
        "diff": found.estimate,
        "low": found.low,
        "high": found.high,
        "p": found.p,
    }


def _shares(hits: Floats) -> Floats:
    return np.column_stack([hits, np.ones(hits.size)])
