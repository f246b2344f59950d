"""Measure sending: from a committed intent to a settled outcome with its echo applied.

    .venv/bin/python -m benchmarks.sending [--scale 1.0] [--senders 1]

Prints Markdown. A PostgreSQL of its own with fsync on; receiver, ingest worker, sender and the
simulated server are processes of their own on this machine, which they share with each other. The
bare side posts the same texts to the same server with httpx2 and stores nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

from benchmarks.sending_figures import Run, gaps_after, quantile, settled
from benchmarks.sending_stage import Stage, running_stage, wait_for
from benchmarks.stage import own_servers
from evosense.core.schema import TenantRef, tenant_scope
from messaging.tests.simulator.process import KEY

AIMS = {"per_second": 300, "added": 15.0}
# Milliseconds until the server answers, connections, messages.
CASES = ((0, 1, 1_500), (0, 64, 6_000), (50, 1, 200), (50, 64, 6_000))
# Texts a second. Who queues, the server and everything between share the cores, so the highest rate
# shows what a busy machine adds.
OFFERED = (10, 20, 40)
RECOVERY_LINES = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of messages")
    parser.add_argument("--senders", type=int, default=1, help="processes")
    options = parser.parse_args()
    with (
        own_servers(),
        tempfile.TemporaryDirectory() as folder,
        running_stage(Path(folder)) as stage,
    ):
        stage.add_lines(64)
        bench = Bench(stage, options.scale, options.senders)
        sys.stdout.write(f"## Sending\n\nLoad when it began: {load()}.\n")
        bench.throughput()
        bench.latency()
        bench.recovery()
        sys.stdout.write(f"\nLoad when it ended: {load()}.\n")


class Bench:
    def __init__(self, stage: Stage, scale: float, senders: int) -> None:
        self.stage, self.scale, self.senders = stage, scale, senders

    @property
    def tenant(self) -> TenantRef:
        return self.stage.tenant

    def throughput(self) -> None:
        table(
            "Throughput: a backlog of texts, echoes applied meanwhile",
            ("answers in", "connections", "queued/s", "sends/s", "with echo", "bare httpx2/s"),
            ("share of bare", "sender's CPU ms a send"),
        )
        for milliseconds, lines, messages in CASES:
            self._answer_in(milliseconds)
            bare = self._bare(lines, 4.0)
            count = max(lines * 2, int(messages * self.scale))
            queued, found, applied, cpu = self._backlog(lines, count)
            row(
                f"{milliseconds} ms",
                lines,
                f"{queued:.0f}",
                f"{found.per_second:.0f}",
                f"{applied:.0f}",
                f"{bare['per_second']:.0f}",
                f"{found.per_second / bare['per_second']:.2f}",
                f"{cpu:.1f}",
            )

    def latency(self) -> None:
        table(
            "Latency over 64 connections",
            ("answers in", "texts a second", "p50 ms", "p99 ms", "bare p50 ms", "bare p99 ms"),
            ("added p50 ms", "added p99 ms"),
        )
        for milliseconds, offered in product((0, 50), OFFERED):
            self._answer_in(milliseconds)
            bare = self._bare(64, 6.0, offered)
            total = self._offered(offered, int(offered * 15 * self.scale)).total
            p50, p99 = quantile(total, 0.5), quantile(total, 0.99)
            row(
                f"{milliseconds} ms",
                offered,
                *(f"{one:.1f}" for one in (p50, p99, bare["p50"], bare["p99"])),
                *(f"{one:.1f}" for one in (p50 - bare["p50"], p99 - bare["p99"])),
            )
        sys.stdout.write(
            f"\nAims: {AIMS['per_second']} sends/s over 64 connections, {AIMS['added']:.0f} ms"
            " added at the median. Ours is from the beginning of the transaction that queues to"
            " the committed outcome.\n"
        )

    def recovery(self) -> None:
        table(
            "kill -9 of every sender in the middle of calls (50 ms), new ones started at once",
            ("first send again s", "half of 64 connections s", "all s", "lost", "shown twice"),
        )
        self._answer_in(50)
        count = max(RECOVERY_LINES * 4, int(6_000 * self.scale))
        self._clear()
        since = self.stage.newest()
        self.stage.queue(RECOVERY_LINES, count)
        self._start()
        time.sleep(4)
        killed = self.stage.kill_senders()
        self._start()
        self.stage.wait_until_settled()
        self.stage.stop_senders()
        sends = [one for one in self.stage.simulator.journal()["sends"] if one["shown"]]
        with tenant_scope(self.tenant):
            settled(since)
        texts = [(one["instance"], one["text"]) for one in sends]
        row(
            *(f"{one:.1f}" for one in gaps_after(sends, killed)),
            count - len(set(texts)),
            len(texts) - len(set(texts)),
        )

    def _backlog(self, lines: int, count: int) -> tuple[float, Run, float, float]:
        """Return texts queued a second, the run, sends a second until all echoes are in, CPU."""
        self._clear()
        since = self.stage.newest()
        queued = self.stage.queue(lines, count)
        self._start()
        # Loading the program is not sending.
        wait_for(lambda: self.stage.settled_since(since) > count / 10)
        early, used = self.stage.settled_since(since), self.stage.cpu_seconds()
        self.stage.wait_until_settled()
        cpu = (self.stage.cpu_seconds() - used) * 1000 / max(count - early, 1)
        self.stage.wait_until_applied()
        sends = self.stage.simulator.journal()["sends"]
        applied = count / (time.time() - min(send["at"] for send in sends))
        self.stage.stop_senders()
        with tenant_scope(self.tenant):
            return queued, settled(since), applied, cpu

    def _offered(self, rate: int, count: int) -> Run:
        self._clear()
        self._start()
        # The first texts find the sender awake and its connections open.
        self.stage.queue(64, 128, pause=1 / max(OFFERED))
        self.stage.wait_until_settled()
        since = self.stage.newest()
        self.stage.queue(64, count, pause=1 / rate)
        self.stage.wait_until_settled()
        self.stage.stop_senders()
        with tenant_scope(self.tenant):
            return settled(since)

    def _start(self) -> None:
        for _ in range(self.senders):
            self.stage.start_sender()

    def _clear(self) -> None:
        self.stage.simulator.call("DELETE", "/_sim/journal")

    def _answer_in(self, milliseconds: int) -> None:
        self.stage.simulator.calm()
        if milliseconds:
            self.stage.simulator.ask("faults", kind="delay", seconds=milliseconds / 1000)

    def _bare(self, connections: int, seconds: float, rate: float = 0.0) -> dict[str, float]:
        command = [sys.executable, "-m", "benchmarks.sending_bare", self.stage.simulator.url, KEY]
        given = [*command, str(connections), str(seconds), str(rate)]
        outcome = subprocess.run(given, stdout=subprocess.PIPE, text=True, check=True)
        found: dict[str, float] = json.loads(outcome.stdout)
        return found


def table(title: str, left: tuple[str, ...], right: tuple[str, ...] = ()) -> None:
    names = (*left, *right)
    sys.stdout.write(f"\n### {title}\n\n| {' | '.join(names)} |\n")
    sys.stdout.write(f"|{' ---: |' * len(names)}\n")
    sys.stdout.flush()


def row(*cells: object) -> None:
    sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")
    sys.stdout.flush()


def load() -> str:
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


if __name__ == "__main__":
    main()
