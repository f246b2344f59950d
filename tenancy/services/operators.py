"""The people who run the house: who is one, where from, and how they come in.

An operator is a user with `is_staff`. A session opens the operator site only when it began there,
so that what a company's host knows of a person never opens it.
"""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from evosense.core.client_address import client_address
from evosense.core.errors import Conflict
from evosense.core.ratelimit import allow
from evosense.core.schema import public_scope
from tenancy.models import User
from tenancy.services import audit, people
from tenancy.services.login import PER_ACCOUNT, PER_ADDRESS, Attempt

SESSION_KEY = "operator_since"


@dataclass(frozen=True, slots=True)
class Made:
    """An operator's account and whether it is new."""

    user: User
    is_new: bool


def create_operator(*, email: str, password: str, name: str = "") -> Made:
    """Make an operator; a person who has an account keeps it, with its password.

    Raises Conflict when the account is one already, so that no script believes it set a password.
    """
    email = email.strip().lower()
    with public_scope(), transaction.atomic():
        user = User.objects.select_for_update().filter(email=email).first()
        if user and user.is_staff:
            message = _("This account is an operator already.")
            raise Conflict("operator_exists", message, field="email")
        made = Made(user or _new(email, password, name), is_new=user is None)
        User.objects.filter(pk=made.user.pk).update(is_staff=True, is_active=True)
        audit.record(
            "operator.created",
            object_type="user",
            object_id=made.user.pk,
            object_label=email,
            changes={"is_staff": [False, True]},
        )
    made.user.is_staff = True
    return made


def _new(email: str, password: str, name: str) -> User:
    try:
        return people.create_user(email=email, password=password, name=name)
    except IntegrityError as error:
        message = _("There is already an account with this e-mail.")
        raise Conflict("email_taken", message, field="email") from error


def is_operator(user: Any) -> bool:
    """Tell whether this user runs the house."""
    return isinstance(user, User) and user.is_active and user.is_staff


def comes_from_inside(address: str) -> bool:
    """Tell whether operators may come from this address: any, unless networks are named."""
    if not settings.OPERATOR_NETWORKS:
        return True
    try:
        place = ip_address(address)
    except ValueError:
        return False
    networks = (ip_network(each, strict=False) for each in settings.OPERATOR_NETWORKS)
    return any(place in network for network in networks if network.version == place.version)


def authenticate_operator(request: HttpRequest, *, email: str, password: str) -> Attempt:
    """Return the operator with these credentials; a member's own are refused like wrong ones."""
    email = email.strip().lower()
    address = client_address(request)
    if not (
        allow(f"g:limit:login:account:{email}", rate=PER_ACCOUNT, per_seconds=60)
        and allow(f"g:limit:login:address:{address}", rate=PER_ADDRESS, per_seconds=60)
    ):
        return Attempt(None, _("Too many attempts. Wait one minute and try again."))
    user = authenticate(request, username=email, password=password)
    if is_operator(user):
        return Attempt(user)
    return Attempt(None, _("E-mail or password is wrong. Check both and try again."))


def note_login(user: User) -> None:
    """Write down that an operator came in."""
    audit.record("operator.logged_in", object_type="user", object_id=user.pk)


def note_logout(user: Any) -> None:
    """Write down that an operator left."""
    if is_operator(user):
        audit.record("operator.logged_out", object_type="user", object_id=user.pk)
