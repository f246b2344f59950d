"""The operator at work, and the way from here into a company."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _

from evosense.core.actor import current_actor
from tenancy.admin.base import Way
from tenancy.models import SupportGrant, User
from tenancy.services import support


def acting_operator() -> User:
    """Return the operator whom the request names."""
    actor = current_actor()
    user = User.objects.filter(pk=int(actor.id or 0), is_staff=True).first()
    if actor.kind != "operator" or user is None:
        raise PermissionDenied
    return user


def way_in(grant: SupportGrant, operator: User) -> Way:
    """Return a link into the company that works once and for 30 seconds."""
    return Way(
        url=support.new_code(grant.pk, operator=operator),
        label=_("Go to %(company)s") % {"company": grant.tenant.name},
        note=_("The way in is open for 30 seconds and works once."),
    )


def may_read(tenant_id: UUID, *, what: str) -> bool:
    """Tell whether the operator has an open access with full numbers; looking is written down."""
    operator = acting_operator()
    if not support.reading_grant(tenant_id, operator_id=operator.pk):
        return False
    support.note_read(tenant_id, what=what)
    return True
