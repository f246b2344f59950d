"""What operators change about a company. Each act is on the company's trail and on the platform's.

Acts that a company's own people may also do live with their services; this is the rest.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.schema import public_scope
from tenancy.models import Entitlement, Tenant
from tenancy.plans import PLAN_LIMITS
from tenancy.selectors.hosts import forget_hosts
from tenancy.services import audit
from tenancy.services.kick import kick

SHORTEST_REASON = 10
LONGEST_EXTENSION = 90


def checked_reason(reason: str) -> str:
    """Return the reason for an act on somebody's company; too short a one explains nothing."""
    reason = " ".join(reason.split())
    if not SHORTEST_REASON <= len(reason) <= 200:
        raise Invalid("reason_invalid", _("Give a reason of 10 to 200 characters."), field="reason")
    return reason


def note_both(
    action: str, tenant: Tenant, *, changes: dict[str, list[Any]] | None = None, **about: Any
) -> None:
    """Write an entry on the company's trail and the same on the platform's."""
    about = about or {
        "object_type": "tenant",
        "object_id": tenant.pk,
        "object_label": tenant.slug,
    }
    audit.record(action, tenant_id=tenant.pk, changes=changes, **about)
    platform = {"tenant": ["", tenant.slug], **(changes or {})}
    with public_scope():
        audit.record(action, changes=platform, **about)


def change_plan(tenant_id: UUID, *, plan: str) -> None:
    """Give a company another plan."""
    if plan not in PLAN_LIMITS:
        raise Invalid("plan_unknown", _("There is no such plan."), field="plan")
    with public_scope(), transaction.atomic():
        tenant = _locked(tenant_id)
        if tenant.plan == plan:
            raise Conflict("plan_same", _("The company has this plan already."), field="plan")
        before = tenant.plan
        Tenant.objects.filter(pk=tenant_id).update(plan=plan)
        note_both("tenant.plan_changed", tenant, changes={"plan": [before, plan]})


def extend_trial(tenant_id: UUID, *, days: int) -> datetime:
    """Let a trial run longer, from its end or from now, whichever is later."""
    if not 1 <= days <= LONGEST_EXTENSION:
        raise Invalid("days_invalid", _("Choose 1 to 90 days."), field="days")
    with public_scope(), transaction.atomic():
        tenant = _locked(tenant_id)
        if tenant.status == Tenant.Status.ACTIVE:
            raise Conflict("not_in_trial", _("This company is not in a trial."))
        before = tenant.trial_ends_at
        end = max(before or timezone.now(), timezone.now()) + timedelta(days=days)
        Tenant.objects.filter(pk=tenant_id).update(trial_ends_at=end)
        changes = {"trial_ends_at": [before and before.isoformat(), end.isoformat()]}
        note_both("tenant.trial_extended", tenant, changes=changes)
    return end


def set_entitlement(tenant_id: UUID, *, name: str, limit: int | None) -> None:
    """Give a company a limit of its own; None is without limit."""
    if not any(name in limits for limits in PLAN_LIMITS.values()):
        raise Invalid("entitlement_unknown", _("There is no such limit."), field="name")
    if limit is not None and limit < 0:
        raise Invalid("limit_invalid", _("Use zero or more."), field="limit")
    with public_scope(), transaction.atomic():
        tenant = _locked(tenant_id)
        before = Entitlement.objects.filter(tenant=tenant, name=name).first()
        Entitlement.objects.update_or_create(tenant=tenant, name=name, defaults={"limit": limit})
        changes = {name: [before.limit if before else "plan", limit]}
        note_both("tenant.entitlement_set", tenant, changes=changes)


def drop_entitlement(tenant_id: UUID, *, name: str) -> None:
    """Let the plan decide again."""
    with public_scope(), transaction.atomic():
        tenant = _locked(tenant_id)
        own = Entitlement.objects.filter(tenant=tenant, name=name).first()
        if own is None:
            raise NotFound("entitlement_not_found", _("The plan decides already."))
        before = own.limit
        own.delete()
        changes = {name: [before, "plan"]}
        note_both("tenant.entitlement_dropped", tenant, changes=changes)


def retry_provisioning(tenant_id: UUID) -> None:
    """Try again to make the schema of a company that has none."""
    with public_scope(), transaction.atomic():
        tenant = _locked(tenant_id)
        if tenant.state not in {Tenant.State.FAILED, Tenant.State.PROVISIONING}:
            raise Conflict("not_failed", _("This company has its tables already."))
        before = tenant.state
        Tenant.objects.filter(pk=tenant_id).update(state=Tenant.State.PROVISIONING, state_error="")
        changes = {"state": [before, str(Tenant.State.PROVISIONING)]}
        note_both("tenant.provisioning_retried", tenant, changes=changes)
        kick("tenancy.provision_tenant", tenant_id=str(tenant_id))
    forget_hosts()


def start_migration(tenant_id: UUID) -> None:
    """Have a worker bring the tables of one company up to this release."""
    with public_scope(), transaction.atomic():
        tenant = _locked(tenant_id)
        note_both("tenant.migration_started", tenant)
        kick("tenancy.migrate_fleet", slug=tenant.slug)


def retry_run() -> None:
    """Have a worker go on with the companies of the last run that did not end well."""
    with public_scope(), transaction.atomic():
        audit.record("fleet.resumed", object_type="fleet")
        kick("tenancy.migrate_fleet", resume=True)


def _locked(tenant_id: UUID) -> Tenant:
    tenant: Tenant | None = Tenant.objects.select_for_update().filter(pk=tenant_id).first()
    if tenant is None:
        raise NotFound("tenant_not_found", _("This company is gone."))
    return tenant
