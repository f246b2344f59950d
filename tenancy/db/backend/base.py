"""PostgreSQL backend whose search path always equals the tenant of the running context.

Stock django-tenants keeps the tenant on the per-thread connection, which is `public` on an event
loop and can be a stranger's on a pooled connection. Here the tenant lives in a context variable
and the server's own report of `search_path` (PostgreSQL 18 sends it unasked) is compared before
each statement: no round trip when it is right, one `SET` when it is not, whoever changed it.
"""

import re
from typing import Any

from django.conf import settings
from django_tenants.postgresql_backend import base as stock
from django_tenants.postgresql_backend.base import FakeTenant

from evosense.core.schema import PUBLIC_SCHEMA, TenantRef, _active
from tenancy.db.backend.introspection import FastIntrospection

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")
_OF_A_TENANT = re.compile(r"t_[a-z0-9_]+\Z")


def render_path(parts: list[str]) -> str:
    """Return the path as PostgreSQL reports it after `SET`: quotes only where a name needs them."""
    return ", ".join(part if _PLAIN.match(part) else f'"{part}"' for part in parts)


def quoted(name: str) -> str:
    """Return a tenant's schema name, safe to stand in a statement; refuse every other schema."""
    if not _OF_A_TENANT.match(name):
        raise ValueError(f"{name!r} is not the schema name of a tenant")
    return f'"{name}"'


class DatabaseWrapper(stock.DatabaseWrapper):
    """The stock wrapper with the context variable as its only source of truth."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._booting = True
        super().__init__(*args, **kwargs)
        self._booting = False
        self.introspection = FastIntrospection(self)
        # The stock check is made when a cursor is opened; one that is kept open would go on in the
        # schema of a scope that has ended.
        self.execute_wrappers.append(self._verify_path)

    @property
    def tenant(self) -> TenantRef | FakeTenant:
        return _active.get() or FakeTenant(schema_name=PUBLIC_SCHEMA)

    @tenant.setter
    def tenant(self, value: object) -> None:
        """Ignored: the stock constructor assigns it, the context variable decides."""

    @property
    def schema_name(self) -> str:
        active = _active.get()
        return active.schema_name if active else PUBLIC_SCHEMA

    @schema_name.setter
    def schema_name(self, value: object) -> None:
        """Ignored, see `tenant`."""

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002
        """Refuse every door but `evosense.core.schema`, except the constructor's own call."""
        if self._booting:
            return
        message = "Use evosense.core.schema.tenant_scope(); the connection holds no tenant."
        raise RuntimeError(message)

    def _verify_path(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        # Wrappers run outside Django's translation: a dead connection must look like one.
        with self.wrap_database_errors:
            self._handle_search_path()
        return execute(sql, params, many, context)

    def _handle_search_path(self, cursor: Any = None) -> None:
        if self._setting_search_path:
            return
        parts = self._get_cursor_search_paths()
        reported = self.connection.info.parameter_status("search_path")
        if reported is not None:
            if reported == render_path(parts):
                return
        elif self.search_path_set_schemas == parts:
            return
        super()._handle_search_path(cursor)


def engine_is_ours() -> bool:
    """Tell whether the configured engine is this one; used by a system check."""
    return bool(settings.DATABASES["default"]["ENGINE"] == "tenancy.db.backend")
