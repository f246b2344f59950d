"""A PostgreSQL and a Redis of their own with Django on top, for one benchmark.

Ours, whatever servers the environment names: the figures are about this machine. fsync is on.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evosense.local.home import Home, process_environment
from evosense.local.stack import services


@contextmanager
def own_servers() -> Iterator[None]:
    """Run the block with Django set up over empty servers; import models inside it only."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        home = Home(Path(folder))
        with services(home) as found:
            os.environ |= process_environment(
                home, database_url=found.database_url, redis_url=found.redis_url
            )
            os.environ["LOG_LEVEL"] = "WARNING"
            import django  # noqa: PLC0415

            django.setup()
            from django.db import connection  # noqa: PLC0415, TID251

            try:
                yield
            finally:
                connection.close()
                connection.close_pool()
