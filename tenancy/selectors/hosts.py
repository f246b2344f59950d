"""From a host name to its tenant, with a short memory in the process."""

import time
from dataclasses import dataclass
from threading import Lock

from django.conf import settings

from evosense.core.schema import TenantRef, public_scope
from tenancy.models import Domain, Tenant

# Seconds a look-up is trusted; a suspended or removed tenant disappears within them.
MEMORY_SECONDS = 30
# Shorter for a host that leads nowhere: its company may be just being made.
NOTHING_SECONDS = 2
_MEMORY_LIMIT = 10_000
_STANDING = (Tenant.State.READY, Tenant.State.MOVING)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a host leads; a company that is being moved is there, and not to be entered."""

    tenant: TenantRef | None = None
    is_moving: bool = False


_memory: dict[str, tuple[float, Place]] = {}
_lock = Lock()


def tenant_of_host(host: str) -> TenantRef | None:
    """Return the ready tenant that owns `host` (no port, lower case), or None."""
    return _place_of(host).tenant


def is_moving_host(host: str) -> bool:
    """Tell whether the company of `host` stands still for a moment."""
    return _place_of(host).is_moving


def _place_of(host: str) -> Place:
    now = time.monotonic()
    known = _memory.get(host)
    if known and known[0] > now:
        return known[1]
    found = _look_up(host)
    with _lock:
        if len(_memory) >= _MEMORY_LIMIT:
            _memory.clear()
        seconds = MEMORY_SECONDS if found.tenant else NOTHING_SECONDS
        _memory[host] = (now + seconds, found)
    return found


def forget_hosts() -> None:
    """Drop the memory; called when tenants or domains change in this process."""
    with _lock:
        _memory.clear()


def is_public_host(host: str) -> bool:
    """Tell whether `host` is the installation's own."""
    return host == settings.PUBLIC_HOST


def _look_up(host: str) -> Place:
    with public_scope():
        domain = (
            Domain.objects.select_related("tenant")
            .filter(domain=host, state=Domain.State.ACTIVE, tenant__state__in=_STANDING)
            .first()
        )
    if domain is None:
        return Place()
    if domain.tenant.state == Tenant.State.MOVING:
        return Place(is_moving=True)
    return Place(domain.tenant.ref)
