"""The base of all Celery tasks: a task runs inside its tenant or not at all.

The tenant travels as a message header, stamped from the context when the task is published, and is
loaded anew when it runs. The work-around of others is a signal handler, whose errors Celery only
logs: a task of a deleted tenant then runs in the shared schema.
"""

import time
from typing import Any
from uuid import UUID

from celery import Task
from celery.exceptions import Retry

from evosense.core.metrics import observe_task
from evosense.core.schema import (
    TENANT_HEADER,
    NoTenantError,
    TenantRef,
    current_tenant,
    public_scope,
    tenant_scope,
)

# While a tenant is being made or moved its tasks come back, for about a day.
LATER_SECONDS = 60
LATER_TIMES = 1440


class TenantRefused(NoTenantError):  # noqa: N818  (read as a sentence where raised)
    """The tenant of a task is gone or may not work now."""


class TenantBusy(NoTenantError):  # noqa: N818
    """The tenant is being made or moved; its tasks wait."""


class TenantTask(Task):
    """Runs `run` inside the tenant that was active when the task was published.

    `tenant_required=False` is for tasks of the installation; they see the shared schema only.
    `allow_suspended=True` is for what must go on for a customer who has not paid or whose trial is
    over, such as storing what comes in.
    """

    abstract = True
    tenant_required = True
    allow_suspended = False

    def apply_async(
        self,
        args: Any = None,
        kwargs: Any = None,
        task_id: str | None = None,
        producer: Any = None,
        link: Any = None,
        link_error: Any = None,
        shadow: str | None = None,
        **options: Any,
    ) -> Any:
        """Publish now, with the tenant in a header. After a commit: `evosense.core.enqueue`."""
        options["headers"] = self._stamped(options.get("headers"))
        return super().apply_async(
            args, kwargs, task_id, producer, link, link_error, shadow, **options
        )

    def _stamped(self, headers: dict[str, Any] | None) -> dict[str, Any]:
        stamped = dict(headers or {})
        if not self.tenant_required:
            stamped.pop(TENANT_HEADER, None)
        elif TENANT_HEADER not in stamped:
            stamped[TENANT_HEADER] = str(current_tenant().id)
        return stamped

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.request.called_directly:
            return self._run_in_scope(args, kwargs)
        started, outcome = time.perf_counter(), "failed"
        try:
            answer = self._run_in_scope(args, kwargs)
            outcome = "done"
        except Retry:
            outcome = "retried"
            raise
        except TenantRefused:
            outcome = "refused"
            raise
        else:
            return answer
        finally:
            observe_task(self.name, outcome, time.perf_counter() - started)

    def _run_in_scope(self, args: Any, kwargs: Any) -> Any:
        scope = tenant_scope(self._tenant()) if self.tenant_required else public_scope()
        with scope:
            if self.request.called_directly:
                return super().__call__(*args, **kwargs)
            # Not the stock call: it hides the message's request, and with it the retries so far.
            return self.run(*args, **kwargs)

    def _tenant(self) -> TenantRef:
        if self.request.called_directly:
            return current_tenant()
        raw = (self.request.headers or {}).get(TENANT_HEADER)
        if not raw:
            raise TenantRefused(f"{self.name} came without a tenant")
        return self._usable(UUID(raw))

    def _usable(self, tenant_id: UUID) -> TenantRef:
        # Imported late: Celery loads this class before Django has its apps.
        from tenancy.models import Tenant  # noqa: PLC0415

        with public_scope():
            tenant: Tenant | None = Tenant.objects.filter(pk=tenant_id).first()
        if tenant is None or tenant.state in {Tenant.State.DELETING, Tenant.State.FAILED}:
            raise TenantRefused(f"{self.name}: tenant {tenant_id} is gone")
        if tenant.state != Tenant.State.READY:
            with tenant_scope(tenant.ref):
                busy = TenantBusy(f"{self.name}: tenant {tenant_id} is {tenant.state}")
                raise self.retry(exc=busy, countdown=LATER_SECONDS, max_retries=LATER_TIMES)
        if tenant.ref.is_restricted() and not self.allow_suspended:
            raise TenantRefused(f"{self.name}: tenant {tenant_id} is suspended")
        return tenant.ref
