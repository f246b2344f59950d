"""Memberships, as the gate and the workspace switch read them."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import F

from tenancy.models import Domain, Membership, Tenant
from tenancy.permissions import permissions_of


@dataclass(frozen=True, slots=True)
class Workspace:
    """A company that the user may open, with its address."""

    name: str
    slug: str
    url: str


def membership_of(*, user_id: int, tenant_id: UUID) -> Membership | None:
    """Return the active membership of an active user, or None; with company and policy."""
    return (
        Membership.objects.select_related("custom_role", "tenant__security_policy")
        .filter(user_id=user_id, tenant_id=tenant_id, is_active=True, user__is_active=True)
        .first()
    )


def permissions_of_member(membership: Membership) -> frozenset[str]:
    """Return what a member may do: what the company's own role lists, else the house's role."""
    own = membership.custom_role
    return permissions_of(membership.role, own.permissions if own else None)


def member_names(tenant_id: UUID, limit: int = 50) -> list[str]:
    """Return the names of a company's people, who was seen last first; former ones at the end."""
    rows = Membership.objects.filter(tenant_id=tenant_id).exclude(user__name="")
    latest = F("last_seen_at").desc(nulls_last=True)
    return list(
        rows.order_by("-is_active", latest, "pk").values_list("user__name", flat=True)[:limit]
    )


def workspaces_of(user_id: int) -> list[Workspace]:
    """Return the ready companies of a user by name, two queries whatever their number."""
    tenants = list(
        Tenant.objects.filter(
            memberships__user_id=user_id,
            memberships__is_active=True,
            state=Tenant.State.READY,
        ).order_by("name")
    )
    domains = dict(
        Domain.objects.filter(tenant__in=tenants, is_primary=True).values_list(
            "tenant_id", "domain"
        )
    )
    return [
        Workspace(name=tenant.name, slug=tenant.slug, url=workspace_url(domains[tenant.pk]))
        for tenant in tenants
        if tenant.pk in domains
    ]


def workspace_url(domain: str) -> str:
    """Return the address of a tenant's host as browsers reach it."""
    port = f":{settings.PUBLIC_PORT}" if settings.PUBLIC_PORT else ""
    return f"{settings.PUBLIC_SCHEME}://{domain}{port}/"
