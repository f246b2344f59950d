"""Work over all tenants: migrations after a release, schemas that an interruption left out."""

import logging

from evosense.core.schema import TenantRef, public_scope
from tenancy.db.migrate import migrate_tenant, pending_tenants
from tenancy.db.provision import provision
from tenancy.models import Tenant

logger = logging.getLogger(__name__)


def migrate_fleet() -> int:
    """Migrate the tenants that lack something, one after the other; returns how many."""
    with_schema = [Tenant.State.READY, Tenant.State.MOVING]
    with public_scope():
        tenants = [tenant.ref for tenant in Tenant.objects.filter(state__in=with_schema)]
    pending: list[TenantRef] = pending_tenants(tenants)
    for tenant in pending:
        migrate_tenant(tenant)
    return len(pending)


def finish_provisioning() -> int:
    """Make the schemas that an interrupted or failed attempt left out; returns how many."""
    unfinished = [Tenant.State.PROVISIONING, Tenant.State.FAILED]
    done = 0
    with public_scope():
        tenants = list(Tenant.objects.filter(state__in=unfinished))
    for tenant in tenants:
        try:
            done += provision(tenant.id)
        except Exception:
            # One broken tenant must not keep the house from starting; its state tells why.
            logger.exception("still not provisioned", extra={"tenant_id": str(tenant.id)})
    return done
