"""Whether all companies have the same structure, that of a company made today."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from evosense.core.errors import NotFound
from evosense.core.ids import schema_name, uuid7
from evosense.core.schema import TenantRef, public_scope
from tenancy.db.fingerprint import AT_ONCE, structure_lines, structures
from tenancy.db.fleet.crew import work_through
from tenancy.db.fleet.plan import plan_group
from tenancy.db.fleet.report import CheckReport
from tenancy.db.fleet.survey import strays, survey
from tenancy.db.provision import play, schema_script
from tenancy.models import Tenant

SHOWN = 10


@dataclass
class Comparison:
    """Structures by company, and how those that differ do so."""

    fingerprints: dict[UUID, str] = field(default_factory=dict)
    differs: dict[str, list[str]] = field(default_factory=dict)

    def by_fingerprint(self) -> dict[str, list[UUID]]:
        turned: dict[str, list[UUID]] = defaultdict(list)
        for tenant_id, value in self.fingerprints.items():
            turned[value].append(tenant_id)
        return turned


def check_fleet(*, slug: str = "", workers: int = 4) -> CheckReport:
    """Look at every company, or at one, and change nothing."""
    with public_scope():
        if slug and not Tenant.objects.filter(slug=slug).exists():
            raise NotFound("tenant_not_found", f"There is no company {slug}.", field="tenant")
        found = survey(slug=slug)
        report = CheckReport(
            tenants=len(found.tenants) + len(found.missing), broken=found.broken, strays=strays()
        )
        unknown: Counter[str] = Counter()
        current: list[TenantRef] = []
        for applied, tenants in found.groups.items():
            plan = plan_group(applied, tenants)
            unknown.update({name: len(tenants) for name in plan.unknown})
            slugs = [tenant.slug for tenant in tenants]
            if plan.problem:
                report.broken.update(dict.fromkeys(slugs, plan.problem))
            elif plan.migrations:
                report.pending.append({"migrations": list(plan.migrations), "tenants": slugs})
            else:
                current += tenants
        report.unknown = dict(unknown)
        report.differs = compare(current, workers=workers).differs
    return report


def compare(tenants: Sequence[TenantRef], *, workers: int) -> Comparison:
    """Compare the tenants with a new one, and so with each other."""
    result = Comparison()
    if not tenants:
        return result
    expected, expected_lines = new_structure()
    found: dict[str, str] = {}

    def look(batch: Sequence[str]) -> None:
        found.update(structures(batch))

    names = [tenant.schema_name for tenant in tenants]
    batches = [names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE)]
    work_through(batches, look, workers=workers, stopped=lambda: False)
    shared = Counter(found.values())
    for tenant in tenants:
        value = found.get(tenant.schema_name, "")
        result.fingerprints[tenant.id] = value
        if value != expected:
            lines = _difference(structure_lines(tenant.schema_name), expected_lines)
            others = shared[value] - 1
            result.differs[tenant.slug] = [*lines, f"as {others} other companies"]
    return result


def new_structure() -> tuple[str, list[str]]:
    """Return the hash and the lines of a schema made from the script and thrown away."""
    statements = schema_script()
    sample = TenantRef(id=uuid7(), schema_name=schema_name(), slug="sample")
    with public_scope(), transaction.atomic():
        play(sample, statements)
        found = structures([sample.schema_name]).get(sample.schema_name, "")
        lines = structure_lines(sample.schema_name)
        transaction.set_rollback(True)
    return found, lines


def _difference(lines: Sequence[str], expected: Sequence[str]) -> list[str]:
    more = [f"+ {line}" for line in sorted(set(lines) - set(expected))]
    less = [f"- {line}" for line in sorted(set(expected) - set(lines))]
    both = more + less
    rest = len(both) - SHOWN
    return both[:SHOWN] + ([f"and {rest} more"] if rest > 0 else [])
