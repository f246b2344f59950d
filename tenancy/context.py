"""What templates get from this app on every page."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from evosense.core.schema import TenantRef
from tenancy.selectors.brand import PLAIN, Look, look_of


def brand(request: HttpRequest) -> dict[str, Any]:
    """Return the company's look; read only by pages that draw it."""
    tenant = getattr(request, "tenant", None)

    def look() -> Look:
        return look_of(tenant.id) if isinstance(tenant, TenantRef) else PLAIN

    return {"brand": SimpleLazyObject(look)}
