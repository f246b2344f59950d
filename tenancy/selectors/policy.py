"""What a company demands of its people, and what that means for one of them now."""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from evosense.core.schema import public_scope
from tenancy import working_hours
from tenancy.models import Membership, SecurityPolicy, Tenant, User

# How long a new company's managers may do without a second factor.
GRACE = timedelta(days=14)
MANAGERS = frozenset({Membership.Role.OWNER, Membership.Role.ADMIN})


def policy_of(tenant_id: UUID) -> SecurityPolicy:
    """Return what the company has set, else what holds for a company that has set nothing."""
    with public_scope():
        tenant: Tenant = Tenant.objects.select_related("security_policy").get(pk=tenant_id)
        return policy_of_tenant(tenant)


def policy_of_tenant(tenant: Tenant) -> SecurityPolicy:
    """Return the policy of a row that was read with its `security_policy`."""
    try:
        own: SecurityPolicy = tenant.security_policy
    except SecurityPolicy.DoesNotExist:
        return SecurityPolicy(tenant=tenant, mfa_grace_until=tenant.created_at + GRACE)
    return own


def demands_mfa(policy: SecurityPolicy, role: str) -> bool:
    """Tell whether people with this role need a second factor, now or after the grace."""
    if policy.mfa_for == SecurityPolicy.MfaFor.EVERYBODY:
        return True
    return policy.mfa_for == SecurityPolicy.MfaFor.MANAGERS and role in MANAGERS


def in_grace(policy: SecurityPolicy) -> bool:
    """Tell whether people without the second factor that they need may still come in."""
    return policy.mfa_grace_until is not None and timezone.now() < policy.mfa_grace_until


def must_keep_mfa(user: User) -> bool:
    """Tell whether some company, or the house itself, demands a second factor of this person."""
    if user.is_staff:
        return True
    with public_scope():
        memberships = Membership.objects.filter(user_id=user.pk, is_active=True)
        return any(
            demands_mfa(policy_of_tenant(membership.tenant), membership.role)
            for membership in memberships.select_related("tenant__security_policy")
        )


def closed_until(membership: Membership, now: datetime | None = None) -> datetime | bool:
    """Return False while the person may be logged in, else the next opening; True: there is none.

    An owner is never locked out: somebody must be able to correct the hours.
    """
    policy = policy_of_tenant(membership.tenant)
    restricted = membership.role in policy.login_hours_roles
    if policy.login_hours is None or not restricted or membership.role == Membership.Role.OWNER:
        return False
    now = now or timezone.now()
    zone = ZoneInfo(membership.tenant.timezone)
    if working_hours.is_open(policy.login_hours, now, zone):
        return False
    return working_hours.next_opening(policy.login_hours, now, zone) or True
