"""The only door to tenant schemas.

The truth is one context variable: it follows threads started through `contextvars`, async tasks and
WSGI bridges alike, and starts empty everywhere else, so that forgotten code fails closed. The
database backend (`tenancy.db.backend`) renders it into `search_path` before each statement.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from django.db import connection, transaction

PUBLIC_SCHEMA = "public"
TENANT_HEADER = "x-tenant"


class NoTenantError(RuntimeError):
    """Code that belongs to one tenant ran without one."""


@dataclass(frozen=True, slots=True)
class TenantRef:
    """The identity of a tenant, as everything below the request needs it."""

    id: UUID
    schema_name: str
    slug: str
    name: str = ""
    timezone: str = "America/Sao_Paulo"
    locale: str = "pt-br"
    # Sealed key of the address hashes of an imported tenant; empty: derived from the house's.
    sender_key: bytes = field(default=b"", repr=False)
    # From then on people and programs may only see why, pay, export and delete.
    restricted_from: datetime | None = None
    # The reason is money: the trial is over or a bill is open.
    is_unpaid: bool = False

    def is_restricted(self) -> bool:
        """Tell whether the tenant is suspended or its trial is over."""
        return self.restricted_from is not None and self.restricted_from <= datetime.now(UTC)


class _Task(Protocol):
    def apply_async(
        self, *, kwargs: dict[str, Any], headers: dict[str, str], countdown: float = 0
    ) -> Any: ...


_active: ContextVar[TenantRef | None] = ContextVar("evosense_tenant", default=None)


def active_tenant() -> TenantRef | None:
    """Return the tenant of this context, or None in shared code."""
    return _active.get()


def current_tenant() -> TenantRef:
    """Return the tenant of this context; raise NoTenantError instead of guessing one."""
    tenant = _active.get()
    if tenant is None:
        raise NoTenantError("This code must run inside a tenant scope.")
    return tenant


def current_schema() -> str:
    """Return the active schema name, `public` when no tenant is active."""
    tenant = _active.get()
    return tenant.schema_name if tenant else PUBLIC_SCHEMA


def require_tenant_schema() -> str:
    """Return the active tenant schema, or fail instead of touching shared tables by accident."""
    return current_tenant().schema_name


@contextmanager
def tenant_scope(tenant: TenantRef) -> Iterator[TenantRef]:
    """Run the block inside `tenant`; the previous context comes back whatever happens."""
    token = _active.set(tenant)
    try:
        yield tenant
    finally:
        _active.reset(token)


@contextmanager
def public_scope() -> Iterator[None]:
    """Run the block against the shared schema only."""
    token = _active.set(None)
    try:
        yield
    finally:
        _active.reset(token)


def after_commit(act: Callable[[], Any]) -> None:
    """Run `act` once the transaction commits, in the tenant that is active now.

    A plain `on_commit` hook runs with whatever is active at commit time, which is the public
    schema when a tenant block is nested in an outer transaction.
    """
    tenant = _active.get()

    def act_in_scope() -> None:
        token = _active.set(tenant)
        try:
            act()
        finally:
            _active.reset(token)

    transaction.on_commit(act_in_scope)


def enqueue(task: _Task, /, **kwargs: Any) -> None:
    """Send a Celery task after commit, pinned to the tenant that is active now."""
    headers = _header_of(_active.get())
    after_commit(partial(task.apply_async, kwargs=kwargs, headers=headers))


def enqueue_later(task: _Task, seconds: float, /, **kwargs: Any) -> None:
    """As `enqueue`, for a worker to begin after some seconds; workers hold it in memory."""
    headers = _header_of(_active.get())
    after_commit(partial(task.apply_async, kwargs=kwargs, headers=headers, countdown=seconds))


def enqueue_for(tenant_id: UUID | None, task: _Task, /, **kwargs: Any) -> None:
    """As `enqueue`, for a tenant that work over all of them names; None: for the installation."""
    headers = {TENANT_HEADER: str(tenant_id)} if tenant_id else {}
    after_commit(partial(task.apply_async, kwargs=kwargs, headers=headers))


def _header_of(tenant: TenantRef | None) -> dict[str, str]:
    return {TENANT_HEADER: str(tenant.id)} if tenant else {}


def in_transaction() -> bool:
    """Tell whether the default connection is inside an atomic block."""
    return bool(connection.in_atomic_block)


def database_cursor() -> Any:
    """Return a cursor of the default connection, its search path already that of this context."""
    return connection.cursor()
