"""What the house tells a company's pages: switches and announcements."""

from typing import Any

from django import template

from evosense.core.schema import active_tenant
from tenancy.selectors.announcements import Notice, notices_for
from tenancy.selectors.features import is_on

register = template.Library()


@register.simple_tag
def feature(name: str) -> bool:
    """Tell whether a switch is on here: `{% feature "new-inbox" as is_new %}`."""
    tenant = active_tenant()
    return tenant is not None and is_on(name, tenant.id)


@register.simple_tag(takes_context=True)
def notices(context: dict[str, Any]) -> list[Notice]:
    """Return the announcements that this person has not closed; support staff see none."""
    request, tenant = context.get("request"), active_tenant()
    user = getattr(request, "user", None)
    if tenant is None or user is None or not user.is_authenticated:
        return []
    if getattr(request, "support", None):
        return []
    return notices_for(tenant_id=tenant.id, user_id=int(user.pk))
