"""Letters about a person's own account, besides those of the front door."""

from typing import Any

from allauth.account.models import EmailAddress

from tenancy.models import Mail, User
from tenancy.services import links, mfa, profile
from tenancy.services.mail import register_mail


def register_account_letters() -> None:
    """Announce the letters of this module."""
    register_mail("email_confirm", email_confirm)
    register_mail("email_changed", about_person)
    register_mail("mfa_changed", mfa_changed)


def email_confirm(mail: Mail) -> dict[str, Any] | None:
    """`object_id` is the address that waits; nothing to say when it has an account already."""
    row = (
        EmailAddress.objects.select_related("user")
        .filter(pk=int(mail.object_id), email=mail.to, primary=False)
        .first()
    )
    taken = User.objects.filter(email=mail.to).exists()
    if row is None or taken or mail.tenant_id is None:
        return None
    token = profile.email_token(row.pk, row.email)
    return {
        "name": row.user.name,
        "url": links.tenant_url(mail.tenant_id, "account:email-confirm", token),
    }


def about_person(mail: Mail) -> dict[str, Any] | None:
    """`object_id` is the user."""
    user = User.objects.filter(pk=int(mail.object_id)).first()
    if user is None:
        return None
    return {"name": user.name, "email": user.email, "at": mail.created_at}


def mfa_changed(mail: Mail) -> dict[str, Any] | None:
    """`object_id` is the user; the letter says what there is now."""
    about = about_person(mail)
    user = User.objects.filter(pk=int(mail.object_id)).first()
    if about is None or user is None:
        return None
    url = links.tenant_url(mail.tenant_id, "account:security") if mail.tenant_id else ""
    return {**about, "factors": mfa.factors_of(user), "url": url}
