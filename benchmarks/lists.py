"""Measure the conversation list and the thread on a large tenant, against the obvious version.

    .venv/bin/python -m benchmarks.lists [--messages 1000000] [--conversations 50000] [--explain]

Prints Markdown. A PostgreSQL of its own; the data are made by SQL, skewed as real ones are: a few
conversations hold most messages. The obvious version pages by OFFSET and asks per row.
"""

import argparse
import math
import random
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.stage import own_servers

AIM_MS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--conversations", type=int, default=50_000)
    parser.add_argument("--samples", type=int, default=150)
    parser.add_argument("--only", default="", help="part of the names of what to measure")
    parser.add_argument("--explain", action="store_true", help="print plans of slow statements")
    options = parser.parse_args()
    with own_servers():
        from benchmarks.lists_seed import make_tenant, seed  # noqa: PLC0415
        from evosense.core.schema import tenant_scope  # noqa: PLC0415

        with tenant_scope(make_tenant()):
            started = time.perf_counter()
            seed(messages=options.messages, conversations=options.conversations)
            print(f"seeded in {time.perf_counter() - started:.0f} s", file=sys.stderr)
            report(options)


def report(options: argparse.Namespace) -> None:
    from benchmarks.lists_cases import cases, obvious_cases  # noqa: PLC0415

    random.seed(7)
    ours, obvious = (
        {name: measure(act, options) for name, act in found.items() if options.only in name}
        for found in (cases(), obvious_cases())
    )
    print(
        f"### Conversation list and thread ({options.messages:,} messages,"
        f" {options.conversations:,} conversations)\n"
    )
    print("| what | queries | median ms | p95 ms | obvious version: queries, p95 ms | ratio |")
    print("|---|---|---|---|---|---|")
    for name, found in ours.items():
        print(row(name, found, obvious.get(name)))
    slow = [name for name, found in ours.items() if found["p95"] > AIM_MS]
    verdict = f"over the aim: {', '.join(slow)}" if slow else "all within it"
    print(f"\nAim: p95 at most {AIM_MS} ms and a constant number of queries; {verdict}.")


def row(name: str, found: dict[str, Any], other: dict[str, Any] | None) -> str:
    against, ratio = "", ""
    if other:
        against = f"{other['queries']}, {other['p95']:.1f}"
        ratio = f"{other['p95'] / found['p95']:.1f} times"
    times = f"{found['median']:.1f} | {found['p95']:.1f}"
    return f"| {name} | {found['queries']} | {times} | {against} | {ratio} |"


def measure(act: Callable[[], object], options: argparse.Namespace) -> dict[str, Any]:
    from django.db import connection  # noqa: PLC0415, TID251

    slowest: tuple[float, str, Any] = (0.0, "", ())
    count = 0

    def watch(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        nonlocal count, slowest
        count += 1
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            slowest = max(slowest, (time.perf_counter() - started, sql, params), key=first)

    for _warm in range(5):
        act()
    counts, took = set(), []
    with connection.execute_wrapper(watch):
        for _sample in range(options.samples):
            count = 0
            started = time.perf_counter()
            act()
            took.append((time.perf_counter() - started) * 1000)
            counts.add(count)
    took.sort()
    if options.explain and took[-1] > AIM_MS / 2:
        explain(slowest[1], slowest[2])
    low, high = min(counts), max(counts)
    return {
        "queries": str(low) if low == high else f"{low}-{high}",
        "median": took[len(took) // 2],
        "p95": took[math.ceil(len(took) * 0.95) - 1],
    }


def first(found: tuple[float, str, Any]) -> float:
    return found[0]


def explain(sql: str, params: Any) -> None:
    from django.db import connection  # noqa: PLC0415, TID251

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    print(f"{sql[:2000]}\n{plan[:4000]}\n", file=sys.stderr)


if __name__ == "__main__":
    main()
