"""The letter that tells owners of support access to their company."""

from typing import Any
from uuid import UUID

from django.urls import NoReverseMatch
from django.utils import timezone

from tenancy.models import Mail, SupportGrant, User
from tenancy.services import links
from tenancy.services.mail import register_mail


def register_support_letters() -> None:
    """Announce the letter of this module."""
    register_mail("support_opened", support_opened)


def support_opened(mail: Mail) -> dict[str, Any] | None:
    """`object_id` is the grant; it is told of even when it has ended meanwhile."""
    grant = SupportGrant.objects.select_related("tenant").filter(pk=UUID(mail.object_id)).first()
    if grant is None:
        return None
    operator = User.objects.filter(pk=grant.operator_id).first()
    owner = User.objects.filter(email=mail.to).first()
    is_open = grant.state == SupportGrant.State.OPEN and grant.expires_at > timezone.now()
    return {
        "name": owner.name if owner else "",
        "operator": str(operator) if operator else "EvoSense",
        "company_name": grant.tenant.name,
        "reason": grant.reason,
        "expires_at": grant.expires_at,
        "may_write": grant.may_write,
        "url": _page(grant) if is_open else "",
    }


def _page(grant: SupportGrant) -> str:
    try:
        return links.tenant_url(grant.tenant_id, "settings:support")
    except NoReverseMatch:
        return ""
