"""Measure apply: raw rows to committed contacts, conversations, messages and outbox.

    .venv/bin/python -m benchmarks.apply [--messages 20000] [--stored 1000000] [--profile]

Prints Markdown. A PostgreSQL of its own with fsync on. The naive side stores the same raw events
one at a time through the ORM, a transaction each, as a plain Django consumer would.
"""

import argparse
import cProfile
import multiprocessing
import pstats
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.stage import own_servers

AIMS = {"messages": 4_000, "naive": 10, "receipts": 10_000, "filled": 0.8}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--naive", type=int, default=1_500)
    parser.add_argument("--stored", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2, help="the best of so many is reported")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with own_servers():
        from benchmarks.lists_seed import make_tenant  # noqa: PLC0415

        report(Bench(make_tenant(), options))


class Bench:
    def __init__(self, tenant: Any, options: argparse.Namespace) -> None:
        self.tenant = tenant
        self.options = options
        self.number = 0

    def best(self, measure: Callable[[], float]) -> float:
        return max(measure() for _ in range(self.options.rounds))

    def lines(self, count: int) -> list[Any]:
        """Open connections with their own names."""
        from evosense.core.schema import tenant_scope  # noqa: PLC0415
        from messaging.services.connections import create_connection  # noqa: PLC0415

        with tenant_scope(self.tenant):
            made = []
            for _ in range(count):
                self.number += 1
                name = f"bench-{self.number}"
                made.append(create_connection(name=name, instance=name).connection)
            return made

    def messages(self, lines: list[Any], count: int) -> list[str]:
        """Fill the raw log with inbound messages, spread over lines and chats."""
        from benchmarks.apply_bodies import fill, message  # noqa: PLC0415

        self.number += 1
        start = self.number * 10_000_000
        made = [message(start + place, count) for place in range(count)]
        fill(self.tenant, lines, [body for _, body in made])
        return [ident for ident, _ in made]

    def drained(self, *, workers: int = 1) -> float:
        """Return the seconds until nothing is pending."""
        if workers == 1:
            from messaging.ingest.worker import Worker  # noqa: PLC0415

            started = time.perf_counter()
            Worker().drain()
            return time.perf_counter() - started
        return in_processes(workers)

    def stored(self, lines: int = 1, workers: int = 1) -> float:
        count = self.options.messages
        self.messages(self.lines(lines), count)
        return count / self.drained(workers=workers)

    def receipts(self) -> float:
        from benchmarks.apply_bodies import fill, message, receipt, sent  # noqa: PLC0415

        (line,), count = self.lines(1), self.options.messages // 2
        self.number += 1
        ids = [f"3EB0{self.number:04d}{place:014d}" for place in range(count)]
        # A third of a tenant's messages are its own, so their rows lie between others.
        start, bodies = self.number * 10_000_000, []
        for place, ident in enumerate(ids):
            bodies += [message(start + 2 * place + one, count)[1] for one in (0, 1)]
            bodies.append(sent(ident, place))
        fill(self.tenant, [line], bodies)
        self.drained()
        steps = ("DELIVERY_ACK", "READ")
        bodies = [receipt(ident, place, step) for step in steps for place, ident in enumerate(ids)]
        fill(self.tenant, [line], bodies)
        return len(bodies) / self.drained()

    def naive(self) -> float:
        from benchmarks.apply_naive import consume  # noqa: PLC0415
        from evosense.core.schema import tenant_scope  # noqa: PLC0415

        (line,), count = self.lines(1), self.options.naive
        self.messages([line], count)
        with tenant_scope(self.tenant):
            started = time.perf_counter()
            done = consume(line)
            spent = time.perf_counter() - started
        assert done == count
        return count / spent

    def rows_alone(self) -> float:
        from benchmarks.apply_bodies import upsert_alone  # noqa: PLC0415

        return self.options.messages / upsert_alone(
            self.tenant, self.lines(1)[0], self.options.messages
        )

    def fill_tenant(self) -> None:
        from benchmarks.lists_seed import seed  # noqa: PLC0415
        from evosense.core.schema import tenant_scope  # noqa: PLC0415

        with tenant_scope(self.tenant):
            empty()
            count = self.options.stored
            seed(messages=count, conversations=max(count // 20, 100))


def empty() -> None:
    """The seed counts its contacts from one."""
    from benchmarks.lists_seed import run  # noqa: PLC0415

    run(
        "TRUNCATE messaging_contact, messaging_connection RESTART IDENTITY CASCADE",
    )


def in_processes(count: int) -> float:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(count + 1)
    queue: Any = context.Queue()
    processes = [
        context.Process(target=drain_when_all_are_ready, args=(barrier, queue))
        for _ in range(count)
    ]
    for process in processes:
        process.start()
    barrier.wait(60)
    started = time.perf_counter()
    for process in processes:
        process.join()
    spent = time.perf_counter() - started
    collisions = sum(queue.get() for _ in processes)
    if collisions:
        print(f"{collisions} collisions between {count} workers", file=sys.stderr)
    assert all(process.exitcode == 0 for process in processes)
    return spent


def drain_when_all_are_ready(barrier: Any, queue: Any) -> None:
    import django  # noqa: PLC0415

    django.setup()
    from django.db import connections  # noqa: PLC0415

    from messaging.ingest import worker as module  # noqa: PLC0415

    collisions = []
    log_info = module.log.info
    module.log = module.log.bind()
    module.log.info = lambda *a, **k: (collisions.append(1), log_info(*a, **k))
    module.collect_rarely()
    worker = module.Worker()
    # Connects and imports, but takes nothing before the clock runs.
    module.queue.waiting_lines()
    barrier.wait(60)
    while worker.drain() or module.queue.waiting_lines():
        time.sleep(0.005)
    queue.put(len(collisions))
    connections.close_all()


def report(bench: Bench) -> None:
    from messaging.ingest.worker import collect_rarely  # noqa: PLC0415

    options = bench.options
    collect_rarely()
    if options.profile:
        profiled(bench)
        return
    bench.messages(bench.lines(1), 500)
    bench.drained()
    one = bench.best(bench.stored)
    two = bench.best(lambda: bench.stored(lines=4, workers=2))
    four = bench.best(lambda: bench.stored(lines=2, workers=4))
    alone = bench.best(bench.rows_alone)
    naive = bench.naive()
    receipts = bench.best(bench.receipts)
    bench.fill_tenant()
    filled = bench.best(bench.stored)
    print(f"### Apply ({options.messages:,} messages a run)\n")
    print("| what | per second | aim |")
    print("|---|---|---|")
    print(f"| messages, one worker | {one:,.0f} | {AIMS['messages']:,} |")
    print(f"| messages, two workers | {two:,.0f} | |")
    print(f"| messages, four workers on two lines | {four:,.0f} | no deadlock |")
    print(f"| upsert of the message rows alone | {alone:,.0f} ({one / alone:.0%} reached) | |")
    print(f"| one at a time through the ORM | {naive:,.0f} ({one / naive:.1f} times) | 10 times |")
    print(f"| receipts, one worker | {receipts:,.0f} | {AIMS['receipts']:,} |")
    share = filled / one
    print(
        f"| messages with {options.stored:,} stored | {filled:,.0f} ({share:.0%}) | 80% of empty |"
    )


def profiled(bench: Bench) -> None:
    bench.messages(bench.lines(1), 500)
    bench.drained()
    bench.messages(bench.lines(1), bench.options.messages)
    profile = cProfile.Profile()
    profile.enable()
    spent = bench.drained()
    profile.disable()
    print(f"{bench.options.messages / spent:,.0f} per second while profiled")
    pstats.Stats(profile).sort_stats("tottime").print_stats(28)


if __name__ == "__main__":
    main()
