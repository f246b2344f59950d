"""Measure the receiver: throughput and latency as ratios of one run, and losses under kills.

    .venv/bin/python -m benchmarks.receiver [--seconds 6] [--rounds 3] [--kill-rounds 1]

Prints Markdown. A PostgreSQL of its own with fsync on, the load from a third process.
"""

import argparse
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evosense.local.system import child_setup, free_port
from messaging.tests.receiver.load import Running
from messaging.tests.receiver.servers import ROOT, Cluster, Line, Process, wait_until

Harm = Callable[["Bench", Process], None]
RECEIVER = "messaging.ingest.receiver:application"
CLIENTS = 64


@dataclass
class Django(Process):
    """The plain view behind a server that a Django project would use."""

    command: tuple[str, ...] = ()

    def start(self, *, wait: bool = True) -> "Django":
        self.directory.mkdir(parents=True, exist_ok=True)
        environment = {"DATABASE_URL": self.database_url}
        with (self.directory / "django.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *(part.format(port=self.port) for part in self.command)],
                env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
                cwd=ROOT,
                preexec_fn=child_setup(),  # noqa: PLW1509
            )
        if wait:
            wait_until(lambda: self.answers, 20)
        return self


def django_server(cluster: Cluster, directory: Path, kind: str) -> Django:
    gunicorn = (
        *("gunicorn", "benchmarks.plain_django:wsgi", "--bind", "127.0.0.1:{port}"),
        *("--worker-class", "gthread", "--threads", "8", "--keep-alive", "60"),
        *("--log-level", "warning", "--workers"),
    )
    commands = {
        "gunicorn-1": (*gunicorn, "1"),
        "gunicorn-2": (*gunicorn, "2"),
        "uvicorn": (
            *("uvicorn", "benchmarks.plain_django:asgi", "--port", "{port}"),
            *("--no-access-log", "--log-level", "warning"),
        ),
    }
    return Django(
        cluster.url, directory / f"django-{kind}", port=free_port(), command=commands[kind]
    )


class Bench:
    def __init__(self, directory: Path, seconds: float) -> None:
        self.directory = directory
        self.seconds = seconds
        self.cluster = Cluster(directory)
        self.line = self.fresh()

    def fresh(self) -> Line:
        self.cluster.create_tables()
        return self.cluster.add_route()

    def load(self, process: Process, seconds: float = 0.0, **options) -> tuple[dict, list[str]]:
        return self.start_load(process, seconds or self.seconds, **options).finish()

    def start_load(self, process: Process, seconds: float, **options) -> Running:
        line = {"path": self.line.path, "token": self.line.token, "clients": CLIENTS}
        return Running(self.directory, port=process.port, seconds=seconds, **(line | options))

    def measure(self, process: Process, **options) -> dict:
        """Start, warm up, measure, stop: one server at a time has the machine."""
        self.cluster.execute("TRUNCATE webhook_events")
        process.start()
        try:
            self.load(process, 1.0)
            return self.load(process, **options)[0]
        finally:
            process.stop()

    def receiver(
        self, name: str = "receiver", application: str = RECEIVER, **environment
    ) -> Process:
        return Process(self.cluster.url, self.directory / name, environment, application)


def throughput(bench: Bench, rounds: int) -> None:
    apps = "benchmarks.receiver_apps"
    servers = {
        "receiver": bench.receiver,
        "(a) the same endpoint, storing nothing": lambda: bench.receiver(
            "nothing", f"{apps}:storing_nothing"
        ),
        "bare ASGI that reads and answers": lambda: bench.receiver("bare", f"{apps}:accepting"),
        "(b) Django view, gunicorn gthread 1x8": lambda: django_server(
            bench.cluster, bench.directory, "gunicorn-1"
        ),
        "(b) Django view, gunicorn gthread 2x8": lambda: django_server(
            bench.cluster, bench.directory, "gunicorn-2"
        ),
        "(b) Django view, uvicorn": lambda: django_server(
            bench.cluster, bench.directory, "uvicorn"
        ),
    }
    results: dict[str, list[dict]] = {name: [] for name in servers}
    for _ in range(rounds):
        for name, make in servers.items():
            print(name, file=sys.stderr)
            results[name].append(bench.measure(make()))
    print(f"\n### Throughput: {CLIENTS} clients, 2 KiB bodies, median of {rounds} rounds\n")
    print("| server | requests/s | receiver is | p50 ms | p99 ms |")
    print("| --- | ---: | ---: | ---: | ---: |")
    ours = statistics.median(result["per_second"] for result in results["receiver"])
    for name, found in results.items():
        rate, p50, p99 = (
            statistics.median(result[key] for result in found)
            for key in ("per_second", "p50", "p99")
        )
        share = "" if name == "receiver" else f"{ours / rate:.2f} x" if rate else "no answers"
        print(f"| {name} | {rate:.0f} | {share} | {p50:.1f} | {p99:.1f} |")


def offered(bench: Bench) -> None:
    print(f"\n### Latency at 200 requests/s offered, {CLIENTS} clients\n")
    print("| body | p50 ms | p99 ms | worst ms |")
    print("| --- | ---: | ---: | ---: |")
    for size in (2048, 65536):
        found = bench.measure(bench.receiver(), rate=200, size=size)
        print(f"| {size // 1024} KiB | {found['p50']} | {found['p99']} | {found['worst']} |")


def kill_receiver(_bench: Bench, receiver: Process) -> None:
    time.sleep(2)
    receiver.kill()
    time.sleep(0.5)
    receiver.start()


def kill_postgres(bench: Bench, _receiver: Process) -> None:
    time.sleep(2)
    bench.cluster.kill()
    time.sleep(4)
    bench.cluster.start()


def hang_postgres(bench: Bench, _receiver: Process) -> None:
    time.sleep(2)
    bench.cluster.signal(signal.SIGSTOP)
    time.sleep(5)
    bench.cluster.signal(signal.SIGCONT)


def kill_both(bench: Bench, receiver: Process) -> None:
    time.sleep(2)
    bench.cluster.signal(signal.SIGSTOP)
    time.sleep(2)
    receiver.kill()
    receiver.start()
    time.sleep(2)
    bench.cluster.signal(signal.SIGCONT)


KILLS = {
    "kill -9 receiver, restart": (kill_receiver, {}),
    "kill -9 PostgreSQL, back after 4 s": (kill_postgres, {}),
    "PostgreSQL hangs 5 s (SIGSTOP)": (hang_postgres, {}),
    "PostgreSQL hangs 5 s, spool limited to 1 MB": (
        hang_postgres,
        {"RECEIVER_SPOOL_LIMIT": "1000000"},
    ),
    "PostgreSQL hangs, kill -9 receiver while spooling": (kill_both, {}),
}


def kills(bench: Bench, rounds: int) -> None:
    print(f"\n### Kills: 32 clients, 400 requests/s offered, {rounds} rounds of 10 s each\n")
    print("| failure | acknowledged | 503 | missing | stored twice | p99 ms | worst ms |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for number, (name, (harm, environment)) in enumerate(KILLS.items()):
        total: Counter[str] = Counter()
        slowest = {"p99": 0.0, "worst": 0.0}
        for turn in range(rounds):
            receiver = bench.receiver(f"kill-{number}-{turn}", **environment)
            report = kill_round(bench, receiver, harm, total)
            slowest = {key: max(slowest[key], report[key]) for key in slowest}
        print(
            f"| {name} | {total['acknowledged']} | {total['503']} | {total['missing']}"
            f" | {total['twice']} | {slowest['p99']} | {slowest['worst']} |"
        )


def kill_round(bench: Bench, receiver: Process, harm: Harm, total: Counter[str]) -> dict:
    bench.line = bench.fresh()
    receiver.start()
    running = bench.start_load(receiver, 10, clients=32, rate=400)
    harm(bench, receiver)
    report, acknowledged = running.finish()
    spool = receiver.directory / "spool"
    wait_until(lambda: not list(spool.glob("*.spool")), 30)
    receiver.stop()
    stored = Counter(bench.cluster.message_ids())
    total["acknowledged"] += len(acknowledged)
    total["503"] += report["answers"].get("503", 0)
    total["missing"] += len(set(acknowledged) - set(stored))
    total["twice"] += sum(stored.values()) - len(stored)
    return report


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kill-rounds", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(Path(directory), options.seconds)
        try:
            print("## Receiver")
            throughput(bench, options.rounds)
            offered(bench)
            if options.kill_rounds:
                kills(bench, options.kill_rounds)
        finally:
            with contextlib.suppress(OSError):
                bench.cluster.destroy()


if __name__ == "__main__":
    main()
