"""Measure work over the whole fleet: migrations, checks, memory, pages among many companies, order.

    .venv/bin/python -m benchmarks.fleet [--sizes 300 1000] [--samples 200] [--dumped 5000]

Prints Markdown. A PostgreSQL of its own with fsync on; the companies have the real schema and no
rows. Django's executor is sampled on a few companies and scaled: all of them would take minutes.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.stage import own_servers

AIMS = {300: 2.0, 1000: 10.0}
SAMPLED = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[300, 1000])
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--dumped", type=int, default=5_000)
    parser.add_argument("--migrations-only", action="store_true")
    parser.add_argument("--task-ms", type=float, default=10)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with own_servers():
        from evosense.testing.real_fleet import overlaid  # noqa: PLC0415
        from tenancy.db.migrate import migrate_public  # noqa: PLC0415

        migrate_public()
        with overlaid() as overlay:
            report(options, overlay, load)


def report(options: argparse.Namespace, overlay: Any, load: float) -> None:
    from benchmarks.fleet_fairness import fairness  # noqa: PLC0415
    from benchmarks.fleet_pages import measure, people_of  # noqa: PLC0415
    from evosense.testing.real_fleet import grow  # noqa: PLC0415

    print("## Fleet\n")
    busy = "quiet" if load < 0.7 else "busy: other work ran beside it"
    print(f"Load before the start {load:.1f} on {os.cpu_count()} cores, so the machine was {busy}.")
    first = people_of(grow(1), each=options.samples)
    measure(first, 10)
    alone = measure(first, options.samples)
    rows = []
    for size in options.sizes:
        said(f"growing to {size}")
        tenants = grow(size)
        rows.append(migrations(size, tenants, overlay, options.workers))
    print_migrations(rows, options.workers)
    if options.migrations_only:
        print(f"\nLoad at the end {os.getloadavg()[0]:.1f}.")
        return
    print_memory(tenants)
    said("pages")
    people = first[:1] + people_of(tenants[1:])
    print_pages(alone, measure(people, options.samples), measure(first, options.samples), options)
    said("fairness")
    print_fairness(fairness(options.dumped, options.task_ms), options)
    print(f"\nLoad at the end {os.getloadavg()[0]:.1f}.")


def said(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def migrations(size: int, tenants: list[Any], overlay: Any, workers: int) -> dict[str, Any]:
    from benchmarks.fleet_cpu import cost_of  # noqa: PLC0415
    from evosense.core.schema import public_scope  # noqa: PLC0415
    from tenancy.db.fleet.check import check_fleet, compare  # noqa: PLC0415
    from tenancy.db.fleet.group import Orders  # noqa: PLC0415
    from tenancy.db.fleet.plan import plan_groups  # noqa: PLC0415
    from tenancy.db.fleet.run import migrate_fleet  # noqa: PLC0415
    from tenancy.db.fleet.survey import survey  # noqa: PLC0415
    from tenancy.db.migrate import migrate_tenant  # noqa: PLC0415
    from tenancy.db.provision import schema_script  # noqa: PLC0415

    def pending() -> None:
        with public_scope():
            found = survey()
            assert plan_groups(found.groups, found.broken) == []

    row: dict[str, Any] = {"size": size, "pending": seconds(pending), "check": seconds(check_fleet)}
    overlay.add_column()
    with public_scope():
        row["rehearsal"] = seconds(schema_script)
    work = Orders(workers=workers, compare=False)
    row["cost"] = cost_of(lambda: row.update(report=migrate_fleet(orders=work)))
    row["compare"] = cost_of(lambda: compare(tenants, workers=workers))
    assert row["report"].is_fine, row["report"]
    assert row["report"].migrated == size
    overlay.add_column()
    sample = tenants[:: max(1, size // SAMPLED)][:SAMPLED]
    migrate_tenant(sample[0])
    row["django"] = cost_of(lambda: [migrate_tenant(tenant) for tenant in sample[1:]])
    row["scale"] = size / (len(sample) - 1)
    assert migrate_fleet(orders=Orders(compare=False)).left == 0
    return row


def seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def print_migrations(rows: list[dict[str, Any]], workers: int) -> None:
    print(f"\n### A column for every company ({workers} workers)\n")
    print("| companies | what | s | aim s | processor s here | processor s of the server |")
    print("|---:|---|---:|---:|---:|---:|")
    for row in rows:
        size, ours, django = row["size"], row["cost"], row["django"]
        print(line(f"{size:,}", "plan, canary and replay", ours, aim=AIMS.get(size)))
        print(line("", "fingerprints of all, compared with a new company", row["compare"]))
        print(line("", "Django's executor one by one, scaled", django, scale=row["scale"]))
        spent, theirs = ours.client + ours.server, (django.client + django.server) * row["scale"]
        ratio = django.wall * row["scale"] / ours.wall
        print(f"| | ratio | {ratio:.1f} | | {theirs / spent:.1f} both together | |")
        print(f"| | nothing to do: which company lacks what | {row['pending']:.2f} | | | |")
        print(f"| | the whole `tenants check` | {row['check']:.2f} | | | |")
    print(
        f"\nDjango's executor was measured on {SAMPLED - 1} companies, with our table listing."
        " Recording the migrations in an empty schema, once a release:"
        f" {rows[-1]['rehearsal']:.1f} s."
    )


def line(size: str, what: str, cost: Any, *, scale: float = 1, aim: float | None = None) -> str:
    spent = f"{cost.client * scale:.2f} | {cost.server * scale:.2f}"
    return f"| {size} | {what} | {cost.wall * scale:.2f} | {aim or ''} | {spent} |"


def print_memory(tenants: list[Any]) -> None:
    from benchmarks.fleet_memory import one_backend, own_process, pooled  # noqa: PLC0415

    said("memory")
    before, after = one_backend(tenants)
    kept, short = pooled(tenants, lifetime=3600), pooled(tenants, lifetime=5)
    print(f"\n### Memory after the queries of the pages in each of {len(tenants):,} companies\n")
    print("| what | MB |")
    print("|---|---:|")
    print(f"| one server process, fresh | {before:.0f} |")
    per = (after - before) * 1024 / len(tenants)
    print(f"| the same after all companies | {after:.0f} ({per:.0f} kB each) |")
    print(f"| pool of 4, connections kept: sum after two rounds | {kept:.0f} |")
    print(f"| pool of 4, connections replaced after 5 s: largest sum seen | {short:.0f} |")
    print(f"| the Python process itself | {own_process():.0f} |")


def print_pages(
    alone: dict[str, Any], many: dict[str, Any], again: dict[str, Any], options: Any
) -> None:
    size = max(options.sizes)
    print(f"\n### Log-in and pages ({options.samples} of each, in one process, companies empty)\n")
    print(
        f"| what | 1 company: median, p95 ms | {size:,} companies, in turn | p95 ratio |"
        f" one company among {size:,} |"
    )
    print("|---|---:|---:|---:|---:|")
    for name, (median, p95) in alone.items():
        other = many[name]
        print(
            f"| {name} | {median:.1f}, {p95:.1f} | {other[0]:.1f}, {other[1]:.1f} |"
            f" {other[1] / p95:.2f} | {again[name][0]:.1f}, {again[name][1]:.1f} |"
        )


def print_fairness(found: dict[str, dict[str, float]], options: argparse.Namespace) -> None:
    print(
        f"\n### Order of work: one company dumps {options.dumped:,} tasks of {options.task_ms:.0f}"
        " ms, ten want one each 0.1 s, 8 workers\n"
    )
    print("| order | small ones wait, median ms | p95 ms | the large one is done after s |")
    print("|---|---:|---:|---:|")
    for name, row in found.items():
        waits = f"{row['median'] * 1000:,.0f} | {row['p95'] * 1000:,.0f}"
        print(f"| {name} | {waits} | {row['large']:.1f} |")


if __name__ == "__main__":
    main()
