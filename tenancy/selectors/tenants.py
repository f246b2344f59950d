"""Which tenants there are, for work that goes over all of them."""

from evosense.core.schema import TenantRef, public_scope
from tenancy.models import Tenant


def ready_tenants() -> list[TenantRef]:
    """Return the tenants that have a schema and are neither moved nor deleted now."""
    with public_scope():
        return [tenant.ref for tenant in Tenant.objects.filter(state=Tenant.State.READY)]
