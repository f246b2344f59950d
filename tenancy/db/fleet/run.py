"""One migration of the fleet: plan, canary, replay, retries, stop after failures, resume.

The truth about a company is its own record of migrations, changed in the transaction that changes
its tables; the rows of the run only tell how it went and which companies it is about.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

from django.db import DatabaseError, transaction
from django.utils import timezone

from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.locks import named_lock, try_named_lock
from evosense.core.schema import public_scope
from tenancy.db.fleet.check import compare
from tenancy.db.fleet.group import GroupRun, Orders, Tally
from tenancy.db.fleet.plan import GroupPlan, plan_groups
from tenancy.db.fleet.report import RunReport
from tenancy.db.fleet.steps import Step, described
from tenancy.db.fleet.survey import Survey, survey
from tenancy.db.migrate import migration_digest
from tenancy.db.provision import schema_script
from tenancy.models import FleetRun, Tenant, TenantMigration

logger = logging.getLogger(__name__)
LOCK = "evosense.fleet"
RUNNING, STOPPED, DONE = FleetRun.State.RUNNING, FleetRun.State.STOPPED, FleetRun.State.DONE


def migrate_fleet(
    *, orders: Orders | None = None, slug: str = "", resume: bool = False, wait: bool = False
) -> RunReport:
    """Migrate every company that lacks something, or one of them; one run at a time.

    `resume` goes on with the companies of the last run that did not end well. While another run is
    at work this waits, or raises Conflict.
    """
    if slug and resume:
        message = "A run is resumed as a whole; leave the company out."
        raise Invalid("fleet_resume_whole", message, field="tenant")
    with public_scope(), _alone(wait=wait):
        started = time.perf_counter()
        if slug and not Tenant.objects.filter(slug=slug).exists():
            raise NotFound("tenant_not_found", f"There is no company {slug}.", field="tenant")
        found = survey(slug=slug)
        plans = plan_groups(found.groups, found.broken)
        if plans:
            _rehearse()
        run = _Run(orders or Orders(), found, plans, _open(plans, resume=resume))
        run.report.seconds["plan"] = round(time.perf_counter() - started, 3)
        return run.go()


def _rehearse() -> None:
    """Refuse migrations that fail even in an empty schema, before any company is touched.

    The recording serves the next sign-ups; when it was made before, this costs nothing.
    """
    try:
        schema_script()
    except Exception as error:
        message = f"The migrations fail in an empty schema: {described(error)}"
        raise Invalid("fleet_migrations_fail", message) from error


@contextmanager
def _alone(*, wait: bool) -> Iterator[None]:
    if wait:
        with named_lock(LOCK):
            yield
        return
    with try_named_lock(LOCK) as got:
        if not got:
            raise Conflict("fleet_busy", "Another run over the companies is at work.")
        yield


def _open(plans: Sequence[GroupPlan], *, resume: bool) -> FleetRun | None:
    """Return the run to work in; None when nothing is to be done."""
    if resume:
        return _reopen()
    # We hold the lock, so whoever left one running is dead.
    FleetRun.objects.filter(state=RUNNING).update(
        state=STOPPED, error="it was interrupted", finished_at=timezone.now()
    )
    if not plans:
        return None
    with transaction.atomic():
        run: FleetRun = FleetRun.objects.create(digest=migration_digest())
        TenantMigration.objects.bulk_create(
            TenantMigration(run=run, tenant_id=tenant.id, group=plan.applied)
            for plan in plans
            for tenant in plan.tenants
        )
    return run


def _reopen() -> FleetRun:
    run: FleetRun | None = FleetRun.objects.order_by("-started_at", "-pk").first()
    if run is None or run.state == DONE:
        raise Conflict("fleet_nothing_to_resume", "The last run came to its end.")
    if run.digest != migration_digest():
        raise Conflict(
            "fleet_changed", "The migrations changed since the last run; start a new one."
        )
    FleetRun.objects.filter(pk=run.pk).update(state=RUNNING, error="", finished_at=None)
    return run


@dataclass
class _Run:
    orders: Orders
    found: Survey
    plans: list[GroupPlan]
    row: FleetRun | None
    report: RunReport = field(default_factory=RunReport)

    def go(self) -> RunReport:
        report = self.report
        report.tenants = len(self.found.tenants) + len(self.found.missing)
        report.broken = dict(self.found.broken)
        for slug, reason in report.broken.items():
            logger.warning("%s is left out: %s", slug, reason)
        if self.row is not None:
            report.run = self.row.pk
            self._work(self.row)
        return report

    def _work(self, row: FleetRun) -> None:
        tally = Tally(self.orders.stop_after)
        error = ""
        try:
            self._timed("migrate", lambda: self._migrate(row, tally))
            self._timed("compare", lambda: self._compare(row, tally))
        except Exception as broken:
            error = described(broken)
            raise
        finally:
            with suppress(DatabaseError):
                self._close(row, tally, error)

    def _timed(self, name: str, act: Callable[[], None]) -> None:
        started = time.perf_counter()
        act()
        self.report.seconds[name] = round(time.perf_counter() - started, 3)

    def _migrate(self, row: FleetRun, tally: Tally) -> None:
        rows = self._rows(row)
        for plan in self.plans:
            waiting = [
                Step(rows[tenant.id], tenant, plan, self.orders.lock_seconds)
                for tenant in plan.tenants
                if tenant.id in rows
            ]
            logger.info("%s in %s companies", ", ".join(plan.migrations), len(waiting))
            if waiting and not tally.stopped():
                GroupRun(plan, self.orders, tally).go(waiting)

    def _rows(self, row: FleetRun) -> dict[UUID, int]:
        pending = [tenant.id for plan in self.plans for tenant in plan.tenants]
        steps = TenantMigration.objects.filter(run=row)
        # Whoever lacks something is to be done, whatever the row says, and nobody else is.
        steps.filter(tenant_id__in=pending).update(state=TenantMigration.State.WAITING)
        others = steps.exclude(tenant_id__in=pending).exclude(tenant__slug__in=self.found.broken)
        others.exclude(state=TenantMigration.State.DONE).update(
            state=TenantMigration.State.DONE, error=""
        )
        return dict(steps.values_list("tenant_id", "pk"))

    def _compare(self, row: FleetRun, tally: Tally) -> None:
        if not self.orders.compare or not tally.done:
            return
        found = compare([step.tenant for step in tally.done], workers=self.orders.workers)
        self.report.differs = found.differs
        with transaction.atomic():
            for fingerprint, tenants in found.by_fingerprint().items():
                TenantMigration.objects.filter(run=row, tenant_id__in=tenants).update(
                    fingerprint=fingerprint
                )

    def _close(self, row: FleetRun, tally: Tally, error: str) -> None:
        report, steps = self.report, TenantMigration.objects.filter(run=row)
        report.migrated = len(tally.done)
        report.failed, report.stopped = dict(tally.failed), tally.stopped()
        report.left = steps.exclude(state=TenantMigration.State.DONE).count()
        problems = [f"{slug}: {reason}" for slug, reason in tally.failed.items()]
        error = error or "\n".join(problems)
        FleetRun.objects.filter(pk=row.pk).update(
            state=STOPPED if error or report.left else DONE,
            error=error[:4000],
            finished_at=timezone.now(),
        )
