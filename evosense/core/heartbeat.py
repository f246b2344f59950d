"""A file whose age tells a container whether its process still turns.

    python -m evosense.core.heartbeat 60

exits 0 when the process of this container beat within the given seconds, else 1. Imports no Django:
a probe runs every ten seconds.
"""

import contextlib
import os
import sys
import time
from pathlib import Path

FOLDER = os.environ.get("HEARTBEAT_DIR", "")
_SMALLEST_GAP = 1.0
_last = 0.0


def beat() -> None:
    """Note that this process is alive; does nothing without HEARTBEAT_DIR."""
    global _last  # noqa: PLW0603  (one clock per process)
    now = time.monotonic()
    if not FOLDER or now - _last < _SMALLEST_GAP:
        return
    _last = now
    with contextlib.suppress(OSError):
        Path(FOLDER, "alive").touch()


def age() -> float:
    """Return the seconds since the last beat; infinite when there was none."""
    try:
        return time.time() - Path(FOLDER, "alive").stat().st_mtime
    except OSError:
        return float("inf")


if __name__ == "__main__":
    sys.exit(0 if age() <= float(sys.argv[1]) else 1)
