"""What people change about themselves: name, language, letters, password, e-mail."""

from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.core import signing
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.schema import active_tenant, public_scope
from tenancy.models import User
from tenancy.services import mail, people, sessions
from tenancy.services.mfa import lock_user, note, note_change

EMAIL_LINK_SECONDS = 24 * 3600
_SALT = "evosense.email-change"
_FIELDS = ("name", "locale", "timezone", "theme")


def change_profile(user: User, **values: str) -> list[str]:
    """Store what differs among name, locale, timezone and theme; returns the fields changed."""
    before = {name: getattr(user, name) for name in _FIELDS}
    changed = [name for name in _FIELDS if name in values and values[name] != before[name]]
    if not changed:
        return []
    for name in changed:
        setattr(user, name, values[name])
    with transaction.atomic():
        with public_scope():
            user.save(update_fields=changed)
        # How pages look to one person is nobody else's business.
        for name in set(changed) & {"name"}:
            note_change(user, "profile.changed", name, before[name], values[name])
    return changed


def change_notifications(user: User, chosen: dict[str, bool]) -> None:
    """Store which letters the person wants; each change is noted."""
    before = dict(user.notifications)
    user.notifications = {**before, **chosen}
    with transaction.atomic():
        with public_scope():
            user.save(update_fields=["notifications"])
        for key, wanted in chosen.items():
            if before.get(key, True) != wanted:
                note_change(user, "notifications.changed", key, not wanted, wanted)


def set_password(user: User, password: str, *, keep: str | None, reason: str) -> None:
    """Give the account a new password and end every session but the one with the key `keep`."""
    people.check_password(password, user)
    with transaction.atomic():
        with public_scope():
            lock_user(user.pk)
            user.set_password(password)
            user.save(update_fields=["password"])
        note(user, "password.changed", reason=reason)
        sessions.end_others(user, keep=keep, reason="password changed")
        mail.post("password_changed", **addressed(user))


def ask_for_email(user: User, email: str) -> str:
    """Send a link to the new address, which takes effect when it is followed; returns it.

    The answer is the same for an address that has an account: the letter is simply not sent.
    """
    email = people.checked_email(email)
    if email == user.email:
        raise Invalid("email_same", _("This is your address already."), field="email")
    with transaction.atomic():
        with public_scope():
            lock_user(user.pk)
            EmailAddress.objects.filter(user_id=user.pk, primary=False).delete()
            row = EmailAddress.objects.create(user_id=user.pk, email=email)
        note_change(user, "email.change_asked", "email", user.email, email)
        mail.post("email_confirm", **{**addressed(user), "to": email, "object_id": row.pk})
    return email


def asked_email(user: User) -> str:
    """Return the address that waits for confirmation, or nothing."""
    with public_scope():
        waiting = EmailAddress.objects.filter(user_id=user.pk, primary=False, verified=False)
        return waiting.values_list("email", flat=True).first() or ""


def withdraw_email(user: User) -> None:
    """End the link to the address that waits for confirmation."""
    with public_scope():
        EmailAddress.objects.filter(user_id=user.pk, primary=False).delete()


def email_token(row_id: int, email: str) -> str:
    """Return the token of the link to a new address."""
    return signing.dumps([row_id, email], salt=_SALT, compress=False)


def email_of_token(token: str) -> tuple[int, str]:
    """Return row and address of a token that is ours, a day old at most, and still asked for."""
    try:
        row_id, email = signing.loads(token, salt=_SALT, max_age=EMAIL_LINK_SECONDS)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise _link_over() from error
    with public_scope():
        waiting = EmailAddress.objects.filter(pk=row_id, email=email, primary=False)
        if not waiting.exists():
            raise _link_over()
    return row_id, email


def confirm_email(token: str) -> User:
    """Make the new address the account's; the old one is told."""
    row_id, email = email_of_token(token)
    try:
        with transaction.atomic():
            return _switch_email(row_id, email)
    except IntegrityError as error:
        if "email" not in str(error):
            raise
        message = _("There is already an account with this e-mail.")
        raise Conflict("email_taken", message, field="email") from error


def addressed(user: User) -> dict[str, Any]:
    """Return to whom a letter about the account goes, and from which company's host."""
    tenant = active_tenant()
    tenant_id: UUID | None = tenant.id if tenant else None
    return {
        "to": user.email,
        "object_id": user.pk,
        "tenant_id": tenant_id,
        "locale": user.locale,
    }


def _switch_email(row_id: int, email: str) -> User:
    with public_scope():
        row = EmailAddress.objects.filter(pk=row_id, email=email, primary=False).first()
        if row is None:
            raise _link_over()
        user = User.objects.select_for_update().get(pk=row.user_id)
        before, user.email = user.email, email
        user.save(update_fields=["email"])
        people.mark_verified(user)
        EmailAddress.objects.filter(user_id=user.pk).exclude(email=email).delete()
    note_change(user, "email.changed", "email", before, email)
    mail.post("email_changed", **{**addressed(user), "to": before})
    return user


def _link_over() -> NotFound:
    message = _("This link is no longer valid. Ask for a new one on your account page.")
    return NotFound("link_over", message)
