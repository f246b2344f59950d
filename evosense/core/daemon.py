"""The life of a long-running command: stop on a signal between two steps, survive the database."""

import signal
import threading
from collections.abc import Callable
from typing import Any

import structlog
from django.db import DatabaseError, close_old_connections

from evosense.core import heartbeat, metrics
from evosense.core.wakeup import Wakeup

log = structlog.get_logger(__name__)


class Stop:
    """Set by SIGTERM and SIGINT; a step that has begun is finished first."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def install(self) -> "Stop":
        """Catch the signals of the running (main) thread's process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._set)
        return self

    def requested(self) -> bool:
        return self._event.is_set()

    def _set(self, number: int, frame: Any) -> None:  # noqa: ARG002
        self._event.set()


def run_until_stopped(
    step: Callable[[], int],
    *,
    channel: str,
    name: str,
    passing: tuple[type[Exception], ...] = (DatabaseError,),
) -> None:
    """Call `step` until a signal: at once while it returns work done, else when woken or after 1 s.

    An error in `passing` ends the step, not the process: a server may be restarting.
    """
    stop = Stop().install()
    log.info("started", process=name)
    metrics.serve_if_asked()
    with Wakeup(channel) as wakeup:
        while not stop.requested():
            try:
                done = step()
                metrics.LAST_STEP.labels(name).set_to_current_time()
                metrics.STEP_DONE.labels(name).inc(done)
            except passing as error:
                log.warning("step_failed", process=name, error=type(error).__name__)
                metrics.STEP_FAILURES.labels(name).inc()
                done = 0
                close_old_connections()
            # Also after an error: a process that retries is alive, its metrics tell the rest.
            heartbeat.beat()
            if not done and not stop.requested():
                wakeup.wait(1.0)
    log.info("stopped", process=name)
