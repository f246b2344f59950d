"""Which tenants there are, for work that goes over all of them."""

from uuid import UUID

from evosense.core.schema import TenantRef, public_scope
from tenancy.models import Tenant


def ready_tenants() -> list[TenantRef]:
    """Return the tenants that have a schema and are neither moved nor deleted now."""
    with public_scope():
        return [tenant.ref for tenant in Tenant.objects.filter(state=Tenant.State.READY)]


def plan_label(tenant_id: UUID) -> str:
    """Return what the company's plan is called."""
    with public_scope():
        plan = Tenant.objects.values_list("plan", flat=True).get(pk=tenant_id)
    return str(Tenant.Plan(plan).label)
