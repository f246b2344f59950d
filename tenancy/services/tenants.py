"""A tenant's beginning: its row, its address, its owner; the schema follows by a task."""

from datetime import timedelta
from uuid import UUID
from zoneinfo import available_timezones

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid, NotFound
from evosense.core.schema import public_scope
from tenancy.db.provision import provision
from tenancy.models import Domain, Membership, Tenant
from tenancy.plans import TRIAL_DAYS
from tenancy.selectors.hosts import forget_hosts
from tenancy.services import people, retired, slugs


def create_tenant(
    *,
    name: str,
    slug: str,
    plan: str = Tenant.Plan.STARTER,
    timezone: str = "America/Sao_Paulo",
    owner_email: str = "",
    owner_password: str = "",
) -> Tenant:
    """Store a tenant that is still `provisioning`; nothing is stored when any value is refused.

    An owner who has an account keeps it, with its password.
    """
    slug = slug.strip().lower()
    _check(name=name.strip(), slug=slug, plan=plan, timezone=timezone)
    with public_scope(), transaction.atomic():
        tenant = _store(name=name.strip(), slug=slug, plan=plan, timezone=timezone)
        if owner_email:
            owner = people.find_or_create_user(email=owner_email, password=owner_password)
            people.add_member(tenant_id=tenant.id, user_id=owner.pk, role=Membership.Role.OWNER)
    return tenant


def open_trial(*, name: str, slug: str, timezone: str, locale: str) -> Tenant:
    """Store a tenant that is still `provisioning`, on trial from now; needs a transaction."""
    slug = slug.strip().lower()
    plan = Tenant.Plan.STARTER
    _check(name=name.strip(), slug=slug, plan=plan, timezone=timezone)
    with public_scope():
        tenant = _store(name=name.strip(), slug=slug, plan=plan, timezone=timezone)
        tenant.locale = locale or settings.LANGUAGE_CODE
        tenant.trial_ends_at = now() + timedelta(days=TRIAL_DAYS)
        tenant.save(update_fields=["locale", "trial_ends_at"])
    return tenant


def provision_now(tenant_id: UUID) -> Tenant:
    """Make the tenant's schema before returning; for commands, which have the time."""
    provision(tenant_id)
    forget_hosts()
    return find_tenant(tenant_id=tenant_id)


def retry_provisioning(tenant_id: UUID) -> bool:
    """Put a failed tenant back to `provisioning`; False when it is not failed."""
    with public_scope():
        failed = Tenant.objects.filter(pk=tenant_id, state=Tenant.State.FAILED)
        return bool(failed.update(state=Tenant.State.PROVISIONING, state_error=""))


def find_tenant(*, tenant_id: UUID | None = None, slug: str = "") -> Tenant:
    """Return the tenant with this id or slug; raise NotFound when there is none."""
    wanted = {"pk": tenant_id} if tenant_id else {"slug": slug}
    with public_scope():
        tenant: Tenant | None = Tenant.objects.filter(**wanted).first()
    if tenant is None:
        message = _("There is no company %(name)s.") % {"name": slug or tenant_id}
        raise NotFound("tenant_not_found", message, field="tenant")
    return tenant


def host_of(slug: str) -> str:
    """Return the host name under which a tenant's pages and API answer."""
    return retired.host_of(slug)


def _check(*, name: str, slug: str, plan: str, timezone: str) -> None:
    if not 1 <= len(name) <= 160:
        raise Invalid("name_invalid", _("Use 1 to 160 characters."), field="name")
    slugs.check(slug)
    if plan not in Tenant.Plan.values:
        raise Invalid("plan_unknown", _("There is no such plan."), field="plan")
    if timezone not in available_timezones():
        raise Invalid("timezone_unknown", _("There is no such time zone."), field="timezone")


def _store(*, name: str, slug: str, plan: str, timezone: str) -> Tenant:
    try:
        with transaction.atomic():
            tenant: Tenant = Tenant.objects.create(
                name=name, slug=slug, plan=plan, timezone=timezone
            )
            Domain.objects.create(tenant=tenant, domain=host_of(slug))
            retired.refuse([slug, host_of(slug)])
    except IntegrityError as error:
        raise retired.as_refusal(error) from error
    return tenant
