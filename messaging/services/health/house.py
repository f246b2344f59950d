"""What operators see of a company's incidents, kept where they can read it.

No page of theirs asks schema after schema; so each change of incidents writes the company's list
into its row of `TenantUsage`, and the periodic count puts right what was lost.
"""

from typing import Any

from django.utils import timezone

from evosense.core.schema import current_tenant, public_scope
from messaging.models import Incident
from tenancy.models import TenantUsage

# A server of the house may take a whole company down; more of them say nothing new.
LISTED = 50


def tell_house() -> None:
    """Bring the operators' list of the active company up to date, in the caller's transaction."""
    tenant, values = current_tenant(), open_numbers()
    with public_scope():
        # A young company has no numbers yet; the others are counted within minutes.
        first = {"computed_at": timezone.now(), **values}
        TenantUsage.objects.update_or_create(
            tenant_id=tenant.id, defaults=values, create_defaults=first
        )


def open_numbers() -> dict[str, Any]:
    """Return the columns of `TenantUsage` that speak of incidents."""
    rows = Incident.objects.filter(ended_at=None, connection__removed_at=None)
    listed = rows.select_related("connection").order_by("-severity", "started_at")[:LISTED]
    return {
        "open_incidents": rows.count(),
        "incidents": [
            {
                "kind": one.kind,
                "severity": one.severity,
                "code": one.code,
                "connection": str(one.connection.public_id),
                "name": one.connection.name,
                "since": one.started_at.isoformat(),
            }
            for one in listed
        ],
    }
