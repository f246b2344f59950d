"""How long small companies wait beside one that dumps thousands of tasks: one queue, and the ring.

Eight workers in threads over the real Redis. A task is a pause, so only the order is compared.
"""

import json
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from benchmarks.fleet_pages import percentiles
from benchmarks.fleet_stage import in_threads
from evosense.core.streams import redis_client
from tenancy.db import fair

WORKERS, SMALL, CAP = 8, 10, 4
QUEUE = "g:bench:fifo"
Take = Callable[[], tuple[dict[str, Any], Callable[[], object]] | None]


def fairness(dumped: int, task_ms: float) -> dict[str, dict[str, float]]:
    """Return, for both orders, the waits of the small ones and the end of the large one."""
    return {
        "one queue": _Race(_push_fifo, _take_fifo, dumped, task_ms).run(),
        f"ring, cap {CAP}": _Race(_push_ring, _take_ring, dumped, task_ms).run(),
        "ring, no cap": _Race(_push_ring, _take_uncapped, dumped, task_ms).run(),
    }


class _Race:
    def __init__(
        self, push: Callable[[Any, dict[str, Any]], object], take: Take, dumped: int, ms: float
    ) -> None:
        self.push, self.take, self.dumped, self.seconds = push, take, dumped, ms / 1000
        self.large, self.small = uuid4(), [uuid4() for _ in range(SMALL)]
        self.waits: list[float] = []
        self.left, self.lock, self.over = dumped, threading.Lock(), threading.Event()

    def run(self) -> dict[str, float]:
        redis_client().flushdb()
        for _each in range(self.dumped):
            self.push(self.large, {"large": True, "at": time.time()})
        started = time.perf_counter()
        visitors = threading.Thread(target=self._visit)
        visitors.start()
        in_threads(WORKERS, self._work)
        visitors.join()
        median, p95 = percentiles(self.waits)
        return {"median": median, "p95": p95, "large": time.perf_counter() - started}

    def _visit(self) -> None:
        """Each small company wants one task about ten times a second."""
        while not self.over.is_set():
            for tenant in self.small:
                self.push(tenant, {"large": False, "at": time.time()})
            self.over.wait(0.1)

    def _work(self, _place: int) -> None:
        while not self.over.is_set():
            found = self.take()
            if found is None:
                time.sleep(0.002)
                continue
            task, finish = found
            wait = time.time() - task["at"]
            time.sleep(self.seconds)
            finish()
            with self.lock:
                self._count(task, wait)

    def _count(self, task: dict[str, Any], wait: float) -> None:
        if not task["large"]:
            self.waits.append(wait)
            return
        self.left -= 1
        if self.left == 0:
            self.over.set()


def _push_fifo(_tenant: Any, task: dict[str, Any]) -> None:
    redis_client().rpush(QUEUE, json.dumps(task))


def _take_fifo() -> tuple[dict[str, Any], Callable[[], object]] | None:
    raw: Any = redis_client().lpop(QUEUE)
    return (json.loads(raw), lambda: None) if raw else None


def _push_ring(tenant: Any, task: dict[str, Any]) -> None:
    fair.push("bench", tenant_id=tenant, task="bench", kwargs=task)


def _take_ring() -> tuple[dict[str, Any], Callable[[], object]] | None:
    return _taken(CAP)


def _take_uncapped() -> tuple[dict[str, Any], Callable[[], object]] | None:
    return _taken(WORKERS)


def _taken(cap: int) -> tuple[dict[str, Any], Callable[[], object]] | None:
    item = fair.take("bench", now=time.time(), lease_seconds=60, cap=cap)
    return (item.kwargs, lambda: fair.finish("bench", item.id)) if item else None
