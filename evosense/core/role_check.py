"""Refuses to work as a database role that no rule binds.

A superuser passes every row-level policy and may rewrite the audit. In production the first
connection of a process is therefore looked at, and the process does not go on with a stronger role
than it needs. `docs/operations.md` tells how the roles are made.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.signals import connection_created

_FLAGS = ("SUPERUSER", "BYPASSRLS", "CREATEROLE")
_state = {"looked": False}


def watch() -> None:
    """Look at the first connection of this process, where the settings ask for it."""
    if settings.REFUSE_STRONG_ROLES:
        connection_created.connect(_look, dispatch_uid="evosense.role_check")


def allow_strong_role() -> None:
    """Let this process be a superuser: it is the command that makes the roles."""
    _state["looked"] = True


def excess(cursor: Any) -> list[str]:
    """Return what the connected role may do that the application never needs."""
    cursor.execute(
        "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    )
    return [flag for flag, has in zip(_FLAGS, cursor.fetchone(), strict=True) if has]


def _look(connection: Any, **_details: Any) -> None:
    if _state["looked"]:
        return
    with connection.cursor() as cursor:
        found = excess(cursor)
    if found:
        raise ImproperlyConfigured(
            f"The database role is {' and '.join(found)}; nothing would keep tenants apart if the"
            " code failed. Make roles with `manage.py database_roles` and put the app's into"
            " DATABASE_URL."
        )
    _state["looked"] = True
