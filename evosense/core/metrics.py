"""What the house tells Prometheus.

Two kinds of numbers. Counters and histograms are kept by each process as it works. Gauges of the
house (what waits, who is late) are read from PostgreSQL and Redis when somebody asks, at most once
in ten seconds for each process, by readers that apps register in `AppConfig.ready`.

No label holds what a sender, a customer or a tenant's user can choose; a tenant appears by its id,
and only among the few that are furthest behind.
"""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import structlog
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

log = structlog.get_logger(__name__)

if _folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    # The first metric opens a file there.
    Path(_folder).mkdir(parents=True, exist_ok=True)

HTTP_SECONDS = Histogram(
    "evosense_http_request_seconds",
    "Time to answer, by host kind, view and class of status.",
    ["site", "view", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0),
)
TASK_SECONDS = Histogram(
    "evosense_task_seconds",
    "Time of a background task, by name and outcome.",
    ["task", "outcome"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0),
)
STEP_FAILURES = Counter(
    "evosense_step_failures", "Steps of a long-running process that ended in an error.", ["process"]
)
STEP_DONE = Counter(
    "evosense_steps_done", "Units of work a long-running process finished.", ["process"]
)
LAST_STEP = Gauge(
    "evosense_last_step_timestamp_seconds",
    "When a long-running process last finished a step.",
    ["process"],
    multiprocess_mode="mostrecent",
)
EGRESS = Counter(
    "evosense_egress", "Outgoing requests by purpose and outcome.", ["purpose", "outcome"]
)

# Values of the labels, in the order of `labels`, and the number.
Reading = tuple[tuple[str, ...], float]
KEPT_SECONDS = 10.0


@dataclass(frozen=True)
class HouseGauge:
    name: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[], Iterable[Reading]]


_gauges: dict[str, HouseGauge] = {}


def register_gauge(
    name: str, help_text: str, read: Callable[[], Iterable[Reading]], labels: tuple[str, ...] = ()
) -> None:
    """Have `read` answer for the gauge `evosense_<name>`; it must be cheap with 1,000 tenants."""
    _gauges[name] = HouseGauge(f"evosense_{name}", help_text, labels, read)


def gauge_names() -> list[str]:
    """Return the full names of the registered gauges, for the dashboard's test."""
    return sorted(gauge.name for gauge in _gauges.values())


class House(Collector):
    """Reads every registered gauge, at most once in `KEPT_SECONDS`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._until = 0.0
        self._kept: list[GaugeMetricFamily] = []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._kept = [family for gauge in _gauges.values() if (family := _read(gauge))]
                self._until = time.monotonic() + KEPT_SECONDS
            return list(self._kept)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        # Without this, registering would already read everything.
        return []


def _read(gauge: HouseGauge) -> GaugeMetricFamily | None:
    """Return the gauge's family; one that cannot be read is left out, the others still count."""
    family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
    try:
        for values, number in gauge.read():
            family.add_metric(values, number)
    except Exception as error:  # noqa: BLE001  (any reader's own trouble; the next scrape tells)
        log.warning("gauge_failed", gauge=gauge.name, error=type(error).__name__)
        return None
    return family


house = House()


def registry_for_answer() -> CollectorRegistry:
    """Return what an answer is made from: this process, or all that share a metrics folder."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def render(*, with_house: bool) -> bytes:
    """Return the Prometheus text; the house's gauges only where they are asked for."""
    text: bytes = generate_latest(registry_for_answer())
    if with_house:
        registry = CollectorRegistry()
        registry.register(house)
        text += generate_latest(registry)
    return text


def serve_if_asked() -> None:
    """Answer on METRICS_PORT when the operator set one; for processes without pages."""
    port = os.environ.get("METRICS_PORT", "")
    if port:
        start_http_server(int(port), registry=registry_for_answer())


def observe_request(*, site: str, view: str, status: int, seconds: float) -> None:
    """Count one answered request; `view` is a URL name, never a path."""
    HTTP_SECONDS.labels(site, view or "unknown", f"{status // 100}xx").observe(seconds)


def observe_task(name: str, outcome: str, seconds: float) -> None:
    """Count one run of a task: done, retried, refused or failed."""
    TASK_SECONDS.labels(name, outcome).observe(seconds)


def process_gone(pid: int) -> Any:
    """Forget the live gauges of a dead worker process (gunicorn's `child_exit`)."""
    return multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
