"""How gunicorn runs the pages in production: threads, and metrics that outlive a worker."""

from typing import Any

from evosense.core import metrics

worker_class = "gthread"
workers = 2
threads = 8
# A worker's catalogue cache grows with every tenant it touches (up to 1.5 MB each).
max_requests = 20_000
max_requests_jitter = 2_000
timeout = 60
graceful_timeout = 20
keepalive = 5
# Heartbeats on a disk that blocks make gunicorn kill healthy workers.
worker_tmp_dir = "/dev/shm"  # noqa: S108
# The probe asks for these every few seconds.
accesslog = None


def when_ready(server: Any) -> None:  # noqa: ARG001  (gunicorn's signature)
    """Answer METRICS_PORT from the master, which outlives its workers."""
    metrics.serve_if_asked()


def post_worker_init(worker: Any) -> None:  # noqa: ARG001  (gunicorn's signature)
    """Load what searches need beside the first requests; a thread would not survive the fork."""
    from analytics.search import warming  # noqa: PLC0415  (Django is set up by now)

    warming.begin()


def child_exit(server: Any, worker: Any) -> None:  # noqa: ARG001  (gunicorn's signature)
    metrics.process_gone(worker.pid)
