"""API keys as DRF authentication, scopes as permission."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from evosense.core import ratelimit
from evosense.core.actor import Actor, name_actor
from evosense.core.client_address import client_address, limit_address
from evosense.core.schema import TenantRef, active_tenant
from tenancy.models import ApiKey
from tenancy.services.keys import verify_key

_SCHEME = "bearer"
# Refused keys a minute and address.
UNKNOWN_KEYS = 60


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """What DRF calls the user: a program with a key."""

    key_id: int
    is_authenticated: bool = True


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer evs_live_…`, valid only on the host of the key's own tenant."""

    def authenticate(self, request: Request) -> tuple[KeyHolder, ApiKey] | None:
        scheme, _separator, raw = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != _SCHEME or not raw:
            return None
        found = verify_key(raw.strip(), address=client_address(request))
        tenant = active_tenant()
        if found is None or tenant is None or found.tenant_id != tenant.id:
            _count_stranger(request)
            raise AuthenticationFailed(_("This API key is not valid here."), code="invalid_key")
        if tenant.is_restricted():
            raise TenantRestricted(tenant)
        name_actor(
            Actor(
                kind="key",
                id=str(found.pk),
                label=found.name,
                address=client_address(request),
                request_id=getattr(request, "request_id", ""),
            )
        )
        return KeyHolder(key_id=found.pk), found

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        return "Bearer"


class TenantRestricted(APIException):
    """The company is suspended (403) or its trial is over (402); programs get no answer."""

    default_code = "tenant_suspended"

    def __init__(self, tenant: TenantRef) -> None:
        super().__init__(_("This company is suspended. Its owner sees why in EvoSense."))
        self.status_code = 402 if tenant.is_unpaid else 403


def _count_stranger(request: Request) -> None:
    """Slow an address that tries keys. Good keys are not counted, so its neighbours go on."""
    name = f"g:limit:unknown-key:{limit_address(client_address(request))}"
    decision = ratelimit.take(name, rate=UNKNOWN_KEYS, per_seconds=60)
    if not decision.allowed:
        raise Throttled(wait=decision.reset_seconds)


class HasScope(BasePermission):
    """Let a key in that has the scope which the view names for the method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            return False
        scopes: dict[str, str] = getattr(view, "required_scopes", {})
        method = "GET" if request.method in {"HEAD", "OPTIONS"} else str(request.method)
        wanted = scopes.get(method)
        if wanted is None:
            # No route for this method: let the view answer 405 instead of hiding it behind 403.
            return True
        return "all" in key.scopes or wanted in key.scopes
