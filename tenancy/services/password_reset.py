"""A new password for somebody who forgot the old one, by a letter that is good for 30 minutes.

The token is Django's: keyed over password hash, last log-in and time, so it ends with its first
use. The answer to asking is the same whoever asks. A second factor is asked for at the log-in that
follows; nothing here opens a session.
"""

from datetime import timedelta
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.utils import timezone
from django.utils.http import base36_to_int, int_to_base36
from django.utils.translation import gettext_lazy as _

from evosense.core.actor import Actor, acting, current_actor
from evosense.core.errors import Conflict
from evosense.core.ratelimit import allow
from evosense.core.schema import public_scope
from tenancy.models import Mail, User
from tenancy.selectors.members import membership_of, workspaces_of
from tenancy.services import audit, mail, people, sessions

# Letters to one address: one in two minutes, five in an hour, counted in PostgreSQL.
LETTER_EVERY = timedelta(minutes=2)
LETTERS_AN_HOUR = 5
PER_ADDRESS_AN_HOUR = 20
# A letter that could not leave for so long answers a question that nobody asks any more.
ASKED_WITHIN = timedelta(hours=2)


def request_reset(email: str, *, tenant_id: UUID | None, address: str) -> None:
    """Send the letter if this person may log in here; says nothing about it."""
    if not allow(f"g:limit:reset:{address}", rate=PER_ADDRESS_AN_HOUR, per_seconds=3600):
        return
    user = people.find_user(email)
    if user is None or not _may_reset(user, tenant_id):
        return
    with public_scope(), transaction.atomic():
        # One at a time, so that requests at once count each other's letters.
        User.objects.select_for_update(no_key=True).only("pk").get(pk=user.pk)
        if _had_enough(user):
            return
        mail.post(
            "password_reset",
            to=user.email,
            object_id=user.pk,
            tenant_id=tenant_id,
            locale=user.locale,
        )


def token_of(user: User) -> str:
    """Return a fresh token, made when the letter leaves."""
    return f"{int_to_base36(user.pk)}.{default_token_generator.make_token(user)}"


def read(token: str) -> User:
    """Return whose password may be set with this token; raise Conflict when nobody's."""
    head, _dot, rest = token.partition(".")
    try:
        user_id = base36_to_int(head)
    except ValueError:
        user_id = 0
    with public_scope():
        user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not default_token_generator.check_token(user, rest):
        message = _("This link was used already, or its 30 minutes are over.")
        raise Conflict("reset_expired", message)
    return user


def set_password(token: str, password: str) -> User:
    """Give the account a new password, end its sessions and say so in a letter; once."""
    user = read(token)
    people.check_password(password, user)
    hashed = make_password(password)
    with transaction.atomic(), acting(_as(user)):
        with public_scope():
            same = User.objects.filter(pk=user.pk, password=user.password)
            if not same.update(password=hashed):
                raise Conflict("reset_expired", _("This link was used already."))
            people.mark_verified(user)
            mail.post("password_changed", to=user.email, object_id=user.pk, locale=user.locale)
        sessions.end_all(user, reason="new password")
        audit.record(
            "password.changed",
            object_type="user",
            object_id=user.pk,
            object_label=user.email,
            changes={"method": ["", "reset"]},
        )
    return user


def _may_reset(user: User, tenant_id: UUID | None) -> bool:
    with public_scope():
        if not user.is_active:
            return False
        if tenant_id is None:
            return bool(workspaces_of(user.pk))
        return membership_of(user_id=user.pk, tenant_id=tenant_id) is not None


def _had_enough(user: User) -> bool:
    sent = Mail.objects.filter(kind="password_reset", object_id=str(user.pk))
    now = timezone.now()
    if sent.filter(created_at__gt=now - LETTER_EVERY).exists():
        return True
    return sent.filter(created_at__gt=now - timedelta(hours=1)).count() >= LETTERS_AN_HOUR


def _as(user: User) -> Actor:
    now = current_actor()
    return Actor(
        kind="user",
        id=str(user.pk),
        label=user.email,
        address=now.address,
        request_id=now.request_id,
    )
