"""Locks between processes, held in PostgreSQL and gone with the connection."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def named_lock(name: str) -> Iterator[None]:
    """Run the block while no other process runs one of the same name; waits for its turn."""
    _ask("SELECT pg_advisory_lock(%s)", name)
    try:
        yield
    finally:
        _ask("SELECT pg_advisory_unlock(%s)", name)


@contextmanager
def try_named_lock(name: str) -> Iterator[bool]:
    """Run the block with the lock, or with False when another process has it."""
    got = bool(_ask("SELECT pg_try_advisory_lock(%s)", name))
    try:
        yield got
    finally:
        if got:
            _ask("SELECT pg_advisory_unlock(%s)", name)


def _ask(statement: str, name: str) -> object:
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute(statement, [key])
        return cursor.fetchone()[0]
