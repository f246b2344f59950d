"""How much a company may have: its own entitlement, else its plan's."""

from uuid import UUID

from evosense.core.schema import public_scope
from tenancy.models import Entitlement, Tenant
from tenancy.plans import PLAN_LIMITS


def limit_of(tenant_id: UUID, name: str) -> int | None:
    """Return the limit called `name`; None is without limit."""
    with public_scope():
        own = (
            Entitlement.objects.filter(tenant_id=tenant_id, name=name).values_list("limit").first()
        )
        if own:
            return own[0]
        plan = Tenant.objects.values_list("plan", flat=True).get(pk=tenant_id)
    return PLAN_LIMITS[plan][name]
