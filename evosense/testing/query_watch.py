"""Watches every statement that a test process sends: none may join two companies.

On several database nodes such a join is refused or slow, and on one it would be a leak. Statements
inside a company name no schema at all, so two different names in one statement that is not a UNION
of separate questions is always wrong. Started by the root conftest, for all threads.
"""

import re
from typing import Any

from django.db.backends.utils import CursorWrapper

_SCHEMA = re.compile(r'"?\b(t_[a-z0-9]{4,})"?\s*\.\s*"?[a-z_]')
_BRANCHES = re.compile(r"\bUNION\s+(?:ALL\b)?", re.IGNORECASE)

violations: list[str] = []
# Django's own seam below both kinds of calls; it has no public name.
_wrapper: Any = CursorWrapper
_original, _original_many = _wrapper._execute, _wrapper._executemany  # noqa: SLF001


def companies_joined(statement: str) -> bool:
    """Tell whether one question of the statement names the schemas of two companies."""
    if "t_" not in statement or statement.startswith("TRUNCATE "):
        return False
    return any(len(set(_SCHEMA.findall(branch))) > 1 for branch in _BRANCHES.split(statement))


def _look(statement: Any) -> None:
    text = statement if isinstance(statement, str) else str(statement)
    if companies_joined(text):
        violations.append(text[:500])


def _execute(self: Any, sql: Any, params: Any, *context: Any) -> Any:
    _look(sql)
    return _original(self, sql, params, *context)


def _executemany(self: Any, sql: Any, params: Any, *context: Any) -> Any:
    _look(sql)
    return _original_many(self, sql, params, *context)


def watch() -> None:
    """Look at every statement from now on."""
    _wrapper._execute, _wrapper._executemany = _execute, _executemany  # noqa: SLF001
