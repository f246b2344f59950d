"""Users and their memberships."""

from collections.abc import Iterable
from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from evosense.core.actor import Actor, acting, current_actor
from evosense.core.errors import Conflict, Invalid
from evosense.core.schema import public_scope
from tenancy.models import Membership, Role, User
from tenancy.services import audit

# What the columns hold; RFC 5321 allows no longer address.
_EMAIL_LENGTH = 254


def create_user(*, email: str, password: str, name: str = "", locale: str = "") -> User:
    """Create an account that can log in at once."""
    email = checked_email(email)
    check_password(password, User(email=email, name=name))
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
        known = User.objects.filter(email=checked_email(email)).first()
    return known or create_user(email=email, password=password)


def find_user(email: str) -> User | None:
    """Return the account with this e-mail, whether or not it may log in."""
    with public_scope():
        return User.objects.filter(email=email.strip().lower()).first()


def find_by_id(user_id: int | None) -> User | None:
    """Return the account with this id, also one that may not log in any more."""
    with public_scope():
        return User.objects.filter(pk=user_id).first() if user_id else None


def join(*, tenant_id: UUID, user: User, role: str, custom_role: Role | None = None) -> Membership:
    """Make `user` a member by their own act, audited as theirs."""
    now = current_actor()
    person = Actor(
        kind="user",
        id=str(user.pk),
        label=user.email,
        address=now.address,
        request_id=now.request_id,
    )
    with public_scope(), transaction.atomic(), acting(person):
        membership = add_member(
            tenant_id=tenant_id, user_id=user.pk, role=role, custom_role=custom_role
        )
        given = custom_role.name if custom_role else role
        audit.record(
            "member.joined",
            object_type="member",
            object_id=membership.pk,
            object_label=user.email,
            changes={"role": [None, given]},
            tenant_id=tenant_id,
        )
    return membership


def add_member(
    *, tenant_id: UUID, user_id: int, role: str, custom_role: Role | None = None
) -> Membership:
    """Let a user into a tenant; somebody who left comes back with the new role."""
    if role not in Membership.Role.values:
        raise Invalid("role_unknown", _("There is no such role."), field="role")
    with public_scope(), transaction.atomic():
        membership, created = Membership.objects.select_for_update().get_or_create(
            tenant_id=tenant_id,
            user_id=user_id,
            defaults={"role": role, "custom_role": custom_role},
        )
        if created:
            return membership
        if membership.is_active:
            message = _("This person is already a member.")
            raise Conflict("member_exists", message, field="email")
        membership.role, membership.custom_role = role, custom_role
        membership.is_active, membership.deactivated_at = True, None
        membership.save(update_fields=["role", "custom_role", "is_active", "deactivated_at"])
    return membership


def reopen_stray(user: User | None) -> None:
    """Open an account that was closed because its last company here had been deleted.

    One that an operator closed still belongs to a company, or runs the house, and stays closed.
    """
    if user is None or user.is_active or user.is_staff:
        return
    with public_scope():
        if not Membership.objects.filter(user=user).exists():
            user.is_active = True
            user.save(update_fields=["is_active"])


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


def checked_email(email: str) -> str:
    """Return the address as it is stored; raise Invalid for what is none."""
    email = email.strip().lower()
    try:
        validate_email(email)
        MaxLengthValidator(_EMAIL_LENGTH)(email)
    except ValidationError as error:
        message = _("This is not an e-mail address.")
        raise Invalid("email_invalid", message, field="email") from error
    return email


def check_password(password: str, user: User, companies: Iterable[str] = ()) -> None:
    """Raise Invalid with everything that the password rules object to.

    `companies` are names that such a password must not be made of, besides those of the house and
    of the companies that the user already works for.
    """
    user.company_names = tuple(companies)  # type: ignore[attr-defined]
    try:
        validate_password(password, user)
    except ValidationError as error:
        message = " ".join(str(text) for text in error.messages)
        raise Invalid("password_weak", message, field="password") from error
