"""What a group of equal schemas needs, and whether one recording serves all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlparse
from django.contrib.postgres import operations as postgres
from django.db import connection, migrations
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation

from evosense.core.schema import TenantRef, tenant_scope
from tenancy.db.migrate import load_executor, tenant_targets
from tenancy.db.recorder import is_left_out

# Their statements follow from the migration alone. A subclass may do anything, so only these.
_SCHEMA_ONLY: frozenset[type[Operation]] = frozenset(
    {
        migrations.AddConstraint,
        migrations.AddField,
        migrations.AddIndex,
        migrations.AlterField,
        migrations.AlterIndexTogether,
        migrations.AlterModelManagers,
        migrations.AlterModelOptions,
        migrations.AlterModelTable,
        migrations.AlterModelTableComment,
        migrations.AlterOrderWithRespectTo,
        migrations.AlterUniqueTogether,
        migrations.CreateModel,
        migrations.DeleteModel,
        migrations.RemoveConstraint,
        migrations.RemoveField,
        migrations.RemoveIndex,
        migrations.RenameField,
        migrations.RenameIndex,
        migrations.RenameModel,
        postgres.AddConstraintNotValid,
        postgres.ValidateConstraint,
    }
)


@dataclass(frozen=True)
class GroupPlan:
    """The companies that have applied the same, and what they lack."""

    applied: str
    tenants: tuple[TenantRef, ...]
    migrations: tuple[str, ...] = ()
    # Why each needs Django's executor; empty when the canary's statements can be replayed.
    obstacle: str = ""
    # One transaction holds the whole plan, so that a tenant has all of it or nothing.
    atomic: bool = True
    # Why it cannot be migrated at all.
    problem: str = ""
    # Applied, but not on disk: squashed away, or of a newer release.
    unknown: tuple[str, ...] = ()


def plan_group(applied: str, tenants: Sequence[TenantRef]) -> GroupPlan:
    """Work out what the group lacks, by the history of its first member."""
    with tenant_scope(tenants[0]):
        executor = load_executor()
        try:
            executor.loader.check_consistent_history(connection)
        except InconsistentMigrationHistory as error:
            return GroupPlan(applied, tuple(tenants), problem=str(error))
        plan = [migration for migration, _ in executor.migration_plan(tenant_targets(executor))]
        unknown = sorted(set(executor.loader.applied_migrations) - set(executor.loader.graph.nodes))
    return GroupPlan(
        applied=applied,
        tenants=tuple(tenants),
        migrations=tuple(f"{each.app_label}.{each.name}" for each in plan),
        obstacle=next(_obstacles(plan), ""),
        atomic=all(each.atomic for each in plan),
        unknown=tuple(f"{app}.{name}" for app, name in unknown),
    )


def _obstacles(plan: Sequence[Migration]) -> Iterator[str]:
    for migration in plan:
        name = f"{migration.app_label}.{migration.name}"
        if not migration.atomic:
            yield f"{name} is not atomic"
        for operation in migration.operations:
            reason = replay_obstacle(operation)
            if reason:
                yield f"{name}: {reason}"


def replay_obstacle(operation: Operation) -> str:
    """Return why the statements of this operation may differ between companies; empty if not."""
    kind = type(operation)
    if kind in _SCHEMA_ONLY:
        return ""
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        parts = (replay_obstacle(each) for each in operation.database_operations)
        return next((reason for reason in parts if reason), "")
    if isinstance(operation, migrations.RunSQL):
        return _of_sql(operation)
    if isinstance(operation, migrations.RunPython):
        return "" if operation.hints.get("replay") is True else "RunPython may read data"
    return f"{kind.__name__} is not known to be replayable"


def _of_sql(operation: migrations.RunSQL) -> str:
    if operation.hints.get("replay") is False:
        return "RunSQL is marked as one for each company"
    # A function called for its effect would be lost.
    if any(is_left_out(text) for text in _texts(operation.sql)):
        return "RunSQL holds a statement that recording leaves out"
    return ""


def _texts(sql: object) -> Iterator[str]:
    if isinstance(sql, str):
        yield from (sqlparse.format(each, strip_comments=True) for each in sqlparse.split(sql))
        return
    for each in sql if isinstance(sql, list | tuple) else ():
        yield from _texts(each if isinstance(each, str) else each[0])


def plan_groups(groups: dict[str, list[TenantRef]], broken: dict[str, str]) -> list[GroupPlan]:
    """Return the groups that lack something; what cannot be migrated goes to `broken`."""
    plans = [plan_group(applied, tenants) for applied, tenants in groups.items()]
    for plan in plans:
        if plan.problem:
            broken.update({tenant.slug: plan.problem for tenant in plan.tenants})
    return [plan for plan in plans if plan.migrations and not plan.problem]
