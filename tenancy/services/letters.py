"""What the letters about people say, and whether they are still true when they leave."""

from typing import Any
from uuid import UUID

from tenancy.models import Invitation, Mail, Membership, User
from tenancy.services import invitations, links
from tenancy.services.mail import register_mail


def register_letters() -> None:
    """Announce the letters of this module."""
    register_mail("invitation", invitation)


def invitation(mail: Mail) -> dict[str, Any] | None:
    """`object_id` is the invitation."""
    row = (
        Invitation.objects.select_related("tenant", "custom_role")
        .filter(pk=UUID(mail.object_id), state=Invitation.State.OPEN)
        .first()
    )
    if row is None or row.tenant_id != mail.tenant_id:
        return None
    inviter = User.objects.filter(pk=row.invited_by_id).first() if row.invited_by_id else None
    return {
        "inviter": str(inviter) if inviter else "",
        "role": row.custom_role.name if row.custom_role else Membership.Role(row.role).label,
        "expires_at": row.expires_at,
        "url": links.tenant_url(row.tenant_id, "account:invitation", invitations.token_of(row)),
    }
