"""How far the acting person reaches: nobody gives or touches what is beyond their own role."""

from uuid import UUID

from django.utils.translation import gettext_lazy as _

from evosense.core.actor import current_actor
from evosense.core.errors import NotAllowed
from evosense.core.schema import public_scope
from tenancy.models import Membership
from tenancy.permissions import permissions_of
from tenancy.selectors.members import membership_of, permissions_of_member


def authority(tenant_id: UUID) -> frozenset[str]:
    """Return what the actor may do in this company, read now.

    Ask under the lock of the company's people: a permission that was read before may be gone.
    """
    actor = current_actor()
    if actor.kind in {"system", "operator"}:
        return permissions_of(Membership.Role.OWNER)
    if actor.kind != "user":
        return permissions_of(Membership.Role.ADMIN)
    with public_scope():
        member = membership_of(user_id=int(actor.id), tenant_id=tenant_id)
        return permissions_of_member(member) if member else frozenset()


def check_reaches(tenant_id: UUID, *needed: frozenset[str], permission: str) -> None:
    """Raise NotAllowed unless the actor has `permission` and all of each `needed` set."""
    own = authority(tenant_id)
    if permission not in own:
        raise NotAllowed("not_allowed", _("Your role does not allow this any more."))
    if any(not one <= own for one in needed):
        message = _("This goes beyond what your own role may do.")
        raise NotAllowed("role_above_own", message, field="role")


def actor_user_id() -> int | None:
    """Return the acting person's id; None for keys, operators and the house itself."""
    actor = current_actor()
    return int(actor.id) if actor.kind == "user" and actor.id else None
