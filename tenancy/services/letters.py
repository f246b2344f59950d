"""What the letters about people say, and whether they are still true when they leave."""

from typing import Any
from uuid import UUID

from django.utils import timezone

from tenancy.models import AuditEntry, Invitation, Mail, Membership, SignUp, Tenant, User
from tenancy.selectors.members import workspaces_of
from tenancy.services import invitations, links, password_reset, sign_ups
from tenancy.services.mail import register_mail


def register_letters() -> None:
    """Announce the letters of this module."""
    register_mail("sign_up_confirm", sign_up)
    register_mail("sign_up_known", sign_up)
    register_mail("invitation", invitation)
    register_mail("password_reset", reset)
    register_mail("password_changed", password_changed)
    register_mail("member_deactivated", member_deactivated)
    register_mail("new_login", new_login)


def sign_up(mail: Mail) -> dict[str, Any] | None:
    """`object_id` is the sign-up; nothing to say once it is confirmed or its day is over."""
    row = SignUp.objects.filter(pk=UUID(mail.object_id), state=SignUp.State.WAITING).first()
    if row is None or sign_ups.is_expired(row):
        return None
    known = User.objects.filter(email=row.email).first()
    if known and not known.is_active:
        return None
    return {
        "name": row.name,
        "wanted": row.company,
        "host": links.host_of_slug(row.slug),
        "url": links.public_url("public:sign-up-confirm", sign_ups.token_of(row)),
        "expires_at": row.expires_at,
        "workspaces": workspaces_of(known.pk) if known else [],
    }


def invitation(mail: Mail) -> dict[str, Any] | None:
    """`object_id` is the invitation."""
    row = (
        Invitation.objects.select_related("tenant", "custom_role")
        .filter(pk=UUID(mail.object_id), state=Invitation.State.OPEN)
        .first()
    )
    if row is None or row.tenant_id != mail.tenant_id or row.expires_at <= timezone.now():
        return None
    inviter = User.objects.filter(pk=row.invited_by_id).first() if row.invited_by_id else None
    return {
        "inviter": str(inviter) if inviter else "",
        "role": row.custom_role.name if row.custom_role else Membership.Role(row.role).label,
        "expires_at": row.expires_at,
        "url": links.tenant_url(row.tenant_id, "account:invitation", invitations.token_of(row)),
    }


def reset(mail: Mail) -> dict[str, Any] | None:
    """`object_id` is the user. The link leads to the company asked on, else to the first."""
    user = _active_user(mail)
    if user is None or timezone.now() - mail.created_at > password_reset.ASKED_WITHIN:
        return None
    tenant_id = mail.tenant_id or _first_tenant(user)
    if tenant_id is None:
        return None
    token = password_reset.token_of(user)
    return {
        "name": user.name,
        "url": links.tenant_url(tenant_id, "account:new-password", token),
        "minutes": 30,
    }


def password_changed(mail: Mail) -> dict[str, Any] | None:
    """`object_id` is the user."""
    user = _active_user(mail)
    if user is None:
        return None
    tenant_id = mail.tenant_id or _first_tenant(user)
    forgot = links.tenant_url(tenant_id, "account:forgot") if tenant_id else ""
    return {"name": user.name, "at": mail.created_at, "url": forgot}


def member_deactivated(mail: Mail) -> dict[str, Any] | None:
    """`object_id` is the membership; nothing to say when the person is back."""
    row = (
        Membership.objects.select_related("user", "tenant")
        .filter(pk=int(mail.object_id), is_active=False)
        .first()
    )
    if row is None:
        return None
    return {"name": row.user.name, "at": row.deactivated_at or mail.created_at}


def new_login(mail: Mail) -> dict[str, Any] | None:
    """`object_id` is the audit entry of the log-in, with `changes["device"]`."""
    entry = AuditEntry.objects.filter(pk=int(mail.object_id)).first()
    user = User.objects.filter(pk=int(entry.actor_id)).first() if entry else None
    if entry is None or user is None:
        return None
    device = entry.changes.get("device") or ["", ""]
    return {
        "name": user.name,
        "device": device[-1],
        "at": entry.at,
        "address": entry.address,
        "url": links.tenant_url(mail.tenant_id, "account:forgot") if mail.tenant_id else "",
    }


def _active_user(mail: Mail) -> User | None:
    return User.objects.filter(pk=int(mail.object_id), is_active=True).first()


def _first_tenant(user: User) -> UUID | None:
    works_for = Tenant.objects.filter(
        memberships__user_id=user.pk, memberships__is_active=True, state=Tenant.State.READY
    )
    first: Tenant | None = works_for.order_by("name").first()
    return first.pk if first else None
