"""The gate `scaling`: a freshly migrated house with one company keeps every rule of Citus.

.venv/bin/python tools/readiness.py     (needs DATABASE_URL of an empty database that it may fill)
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from psycopg import connect, sql

PROJECT = Path(__file__).resolve().parents[1]
STEPS = (
    ("setup",),
    ("tenant_create", "--slug", "readiness", "--name", "Readiness", "--plan", "starter"),
    ("scaling", "check"),
)


def main() -> int:
    """Fill a database of its own on the server of DATABASE_URL, look at it, drop it."""
    name = f"readiness_{os.getpid()}"
    server = os.environ["DATABASE_URL"]
    with connect(server, autocommit=True) as link:
        link.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        return _walk(os.environ | {"DATABASE_URL": server.rsplit("/", 1)[0] + f"/{name}"})
    finally:
        with connect(server, autocommit=True) as link:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            link.execute(drop.format(sql.Identifier(name)))


def _walk(environment: dict[str, str]) -> int:
    for step in STEPS:
        command = [sys.executable, "manage.py", *step]
        code = subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
