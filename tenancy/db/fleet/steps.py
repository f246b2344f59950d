"""One migration of one company: all of it in a transaction, or none of it.

The progress row is locked and written in that transaction too. So a killed run leaves each company
either as it was or done and noted, and two runs that meet cannot do one company twice.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from django.db import DatabaseError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import F

from evosense.core.schema import TenantRef, tenant_scope
from tenancy.db.backend.base import quoted
from tenancy.db.fleet.plan import GroupPlan
from tenancy.db.fleet.survey import applied_hash
from tenancy.db.migrate import execute_plan, impatient
from tenancy.db.recorder import notes, recording
from tenancy.models import TenantMigration

_INVALID = """
SELECT quote_ident(c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = %s::regnamespace AND NOT i.indisvalid
"""
# What passes when the other transaction ends.
_PASSING = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)


class ChangedMeanwhileError(RuntimeError):
    """The company's migrations are no longer those that the plan was made for."""


@dataclass(frozen=True, slots=True)
class Step:
    """One company in one run."""

    row_id: int
    tenant: TenantRef
    plan: GroupPlan
    lock_seconds: float


def is_passing(error: BaseException) -> bool:
    """Tell whether the same may work in a moment: somebody held a lock."""
    return isinstance(error.__cause__ or error, _PASSING)


def record_canary(step: Step) -> list[str]:
    """Migrate by Django's executor; return the statements for the others of the group."""
    script: list[str] = []

    def act() -> None:
        before = set(MigrationRecorder(connection).applied_migrations())
        with recording() as statements:
            execute_plan()
        after = MigrationRecorder(connection).applied_migrations()
        new = [key for key in after if key not in before]
        script.extend([*statements, notes(new)])

    _whole(step, "canary", act)
    return script


def replay(step: Step, script: list[str]) -> bool:
    """Play the canary's statements; False when the company needs nothing any more."""

    def act() -> None:
        with connection.cursor() as cursor:
            for statement in script:
                cursor.execute(statement)

    return _whole(step, "replay", act)


def migrate_alone(step: Step) -> bool:
    """Migrate by Django's executor: for what depends on the company's own data."""
    return _whole(step, "django", execute_plan) if step.plan.atomic else _piecewise(step)


def _whole(step: Step, method: str, act: Callable[[], None]) -> bool:
    started = time.perf_counter()
    with transaction.atomic(), tenant_scope(step.tenant), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{int(step.lock_seconds * 1000)}ms'")
        if not _claim(step):
            return False
        act()
        _note_done(step, method, started)
        return True


def _piecewise(step: Step) -> bool:
    """Run a plan that cannot be one transaction; each of its migrations is done or to be repeated.

    A concurrent index build that failed leaves an invalid index in the way of the next attempt.
    """
    started = time.perf_counter()
    with tenant_scope(step.tenant), impatient(step.lock_seconds):
        with transaction.atomic():
            if not _claim(step, like_the_plan=False):
                return False
        _drop_invalid_indexes(step.tenant)
        execute_plan()
        _note_done(step, "django", started)
        return True


def _claim(step: Step, *, like_the_plan: bool = True) -> bool:
    """Lock the progress row; False when the company is done already, or gone."""
    row = TenantMigration.objects.select_for_update().filter(pk=step.row_id).first()
    if row is None or row.state == TenantMigration.State.DONE:
        return False
    if like_the_plan and applied_hash(step.tenant.schema_name) != step.plan.applied:
        raise ChangedMeanwhileError("its migrations changed since the plan was made")
    return True


def _note_done(step: Step, method: str, started: float) -> None:
    TenantMigration.objects.filter(pk=step.row_id).update(
        state=TenantMigration.State.DONE,
        method=method,
        error="",
        attempts=F("attempts") + 1,
        milliseconds=round((time.perf_counter() - started) * 1000),
    )


def _drop_invalid_indexes(tenant: TenantRef) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_INVALID, [tenant.schema_name])
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX {quoted(tenant.schema_name)}.{name}")


def note_failure(step: Step, error: BaseException, *, for_good: bool) -> None:
    """Write down what went wrong; the run goes on to judge it."""
    state = TenantMigration.State.FAILED if for_good else TenantMigration.State.WAITING
    rows = TenantMigration.objects.filter(pk=step.row_id).exclude(state="done")
    rows.update(state=state, error=described(error)[:2000], attempts=F("attempts") + 1)


def described(error: BaseException) -> str:
    """Return one line; a database error often has several, of which the first says what."""
    lines = str(error).strip().splitlines() or [""]
    kind = "" if isinstance(error, DatabaseError | ChangedMeanwhileError) else type(error).__name__
    return f"{kind}: {lines[0]}" if kind else lines[0]
