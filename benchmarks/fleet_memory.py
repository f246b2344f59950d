"""What server processes hold after they have seen every company."""

import os
import threading
import time
from typing import Any

from django.conf import settings
from django.db import connection, connections  # noqa: TID251

from benchmarks.fleet_stage import anonymous_mb, backends, in_threads, touch

THREADS = 4


def one_backend(tenants: list[Any]) -> tuple[float, float]:
    """Return the memory of one server process before and after it served all companies."""
    connection.close()
    connection.close_pool()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    before = anonymous_mb(pid)
    for tenant in tenants:
        touch(tenant)
    return before, anonymous_mb(pid)


def pooled(tenants: list[Any], *, lifetime: int) -> float:
    """Return the largest sum over a pool whose four users go through all companies twice."""
    _new_pool(lifetime)
    over, largest = threading.Event(), [0.0]

    def serve(place: int) -> None:
        for tenant in [*tenants[place:], *tenants[:place], *tenants]:
            touch(tenant)
            # A request's end: the connection goes back, the next takes any.
            connections["default"].close()

    def watch() -> None:
        while not over.wait(0.3):
            largest[0] = max(largest[0], sum(backends()))
        connections["default"].close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    in_threads(THREADS, serve)
    over.set()
    watcher.join()
    time.sleep(0.1)
    return largest[0]


def _new_pool(lifetime: int) -> None:
    connection.close()
    connection.close_pool()
    pool = {"min_size": 1, "max_size": THREADS + 1, "max_lifetime": lifetime}
    options = settings.DATABASES["default"]["OPTIONS"]
    options["pool"] = options["pool"] | pool
    connection.settings_dict["OPTIONS"]["pool"] = options["pool"]


def own_process() -> float:
    """Return the memory of this process."""
    return anonymous_mb(os.getpid())
