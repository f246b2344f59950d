"""Users and their memberships."""

from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid
from evosense.core.schema import public_scope
from tenancy.models import Membership, User


def create_user(*, email: str, password: str, name: str = "", locale: str = "") -> User:
    """Create an account that can log in at once."""
    email = _checked_email(email)
    _check_password(password, User(email=email, name=name))
    with public_scope():
        try:
            with transaction.atomic():
                return User.objects.create_user(email, password, name=name, locale=locale)
        except IntegrityError as error:
            if "email" not in str(error):
                raise
            message = _("There is already an account with this e-mail.")
            raise Conflict("email_taken", message, field="email") from error


def find_or_create_user(*, email: str, password: str) -> User:
    """Return the account with this e-mail as it is, or create it."""
    with public_scope():
        known = User.objects.filter(email=_checked_email(email)).first()
    return known or create_user(email=email, password=password)


def add_member(*, tenant_id: UUID, user_id: int, role: str) -> Membership:
    """Let a user into a tenant; somebody who left comes back with the new role."""
    if role not in Membership.Role.values:
        raise Invalid("role_unknown", _("There is no such role."), field="role")
    with public_scope(), transaction.atomic():
        membership, created = Membership.objects.select_for_update().get_or_create(
            tenant_id=tenant_id, user_id=user_id, defaults={"role": role}
        )
        if created:
            return membership
        if membership.is_active:
            message = _("This person is already a member.")
            raise Conflict("member_exists", message, field="email")
        membership.role, membership.is_active = role, True
        membership.save(update_fields=["role", "is_active"])
    return membership


def mark_verified(user: User) -> None:
    """Remember that the person reads the letters sent to the account's address."""
    with public_scope(), transaction.atomic():
        User.objects.select_for_update().filter(pk=user.pk).first()
        addresses = EmailAddress.objects.filter(user_id=user.pk)
        addresses.filter(primary=True).exclude(email=user.email).delete()
        EmailAddress.objects.update_or_create(
            user_id=user.pk, email=user.email, defaults={"verified": True, "primary": True}
        )


def is_verified(user: User) -> bool:
    """Tell whether somebody has confirmed the account's present address."""
    with public_scope():
        return bool(
            EmailAddress.objects.filter(user_id=user.pk, email=user.email, verified=True).exists()
        )


def _checked_email(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        message = _("This is not an e-mail address.")
        raise Invalid("email_invalid", message, field="email") from error
    return email


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        message = " ".join(str(text) for text in error.messages)
        raise Invalid("password_weak", message, field="password") from error
