"""Processor time of this process and of the whole server: the same however busy the machine is."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import connection  # noqa: TID251


@dataclass(frozen=True)
class Cost:
    """What an act took: on the clock, here, and in the database."""

    wall: float
    client: float
    server: float


def cost_of(act: Callable[[], object]) -> Cost:
    wall, client, server = time.perf_counter(), time.process_time(), server_seconds()
    act()
    return Cost(time.perf_counter() - wall, time.process_time() - client, server_seconds() - server)


def server_seconds() -> float:
    """Return the time of the postmaster, its children and those that it has buried."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    postmaster = int(_fields(pid)[1])
    children = [
        fields
        for each in Path("/proc").iterdir()
        if each.name.isdigit()
        and (fields := _fields(int(each.name)))
        and int(fields[1]) == postmaster
    ]
    # utime, stime of the living; cutime, cstime of the dead count at their parent.
    ticks = sum(int(fields[11]) + int(fields[12]) for fields in children)
    ticks += sum(int(value) for value in _fields(postmaster)[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def _fields(pid: int) -> list[str]:
    """Return the values of /proc/pid/stat behind the name; the first is the state."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
