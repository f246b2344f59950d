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
from evosense.core.schema import public_scope
from tenancy.models import User
from tenancy.services import audit, mfa, people, throttle

SESSION_KEY = "operator_since"


@dataclass(frozen=True, slots=True)
class Made:
    """An operator's account and whether it is new."""

    user: User
    is_new: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """The operator who may go on, or the reason to show."""

    user: User | None
    reason: Any = ""


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
    email, address = email.strip().lower(), client_address(request)
    turns = [throttle.count_attempt("address", address), throttle.count_attempt("account", email)]
    if not all(turn.allowed for turn in turns):
        return Attempt(None, _("Too many attempts. Wait a little and try again."))
    user = authenticate(request, username=email, password=password)
    if not isinstance(user, User) or not is_operator(user):
        return Attempt(None, _("E-mail or password is wrong. Check both and try again."))
    throttle.give_back("address", address)
    throttle.forgive("account", email)
    return Attempt(user)


def needs_no_factor(user: User) -> bool:
    """Tell whether a password alone lets this operator in: only at a developer's desk."""
    return settings.IS_LOCAL and not mfa.has_second_factor(user)


def check_factor(user: User, code: str) -> str:
    """Use up the operator's code; returns the reason to refuse it, "" when it is right."""
    if not throttle.count_attempt("factor", str(user.pk)).allowed:
        return str(_("Too many attempts. Wait a little and try again."))
    if not mfa.check_code(user, code):
        return str(_("This code is not right. Enter the one that the app shows now."))
    throttle.forgive("factor", str(user.pk))
    return ""
