"""Databases for a test session: one disposable stack, shared by all xdist workers.

`evosense.settings.test` calls `export_test_servers()` before it reads DATABASE_URL, because
pytest-django loads the settings before any conftest. The first process to come here (pytest's own,
or the xdist controller) starts the servers and exports their addresses; its workers inherit them.
Each worker has its own database (pytest-django's suffix) and its own Redis database number.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from evosense.local.home import Home
from evosense.local.stack import ensure_services

MEMORY = Path("/dev/shm")  # noqa: S108  data that is meant to vanish
MEMORY_WANTED = 2 * 1024**3
WORKER = "PYTEST_XDIST_WORKER"


def export_test_servers() -> None:
    """Set DATABASE_URL and REDIS_URL for this test session. Does nothing outside pytest.

    Type checkers load the test settings too and must not start servers.
    """
    if "pytest" not in sys.modules:
        return
    if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        home = Home(_disposable_directory())
        os.environ |= ensure_services(home, durable=False).environment()
    os.environ["REDIS_URL"] = own_redis_database(
        os.environ["REDIS_URL"], os.environ.get(WORKER, "")
    )


def own_redis_database(url: str, worker: str) -> str:
    """Return the address with the database number of this worker: gw0 has 1, nobody has 0."""
    number = int(worker.removeprefix("gw")) + 1 if worker.startswith("gw") else 0
    return urlsplit(url)._replace(path=f"/{number}").geturl()


def _disposable_directory() -> Path:
    """Make a directory, in memory where there is room; the guardian removes it at its end."""
    in_memory = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_WANTED
    root = Path(tempfile.mkdtemp(prefix="evosense-test-", dir=MEMORY if in_memory else None))
    root.chmod(0o711)  # the database's own user passes through when we are root
    return root
