"""Checking a log-in: slow for guessers, the same answer for every reason to refuse."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.utils.translation import gettext as _

from evosense.core.client_address import client_address, limit_address
from evosense.core.ratelimit import allow
from tenancy.models import User
from tenancy.selectors.members import membership_of

# Attempts a minute: per account against guessing, per address against spraying.
PER_ACCOUNT = 5
PER_ADDRESS = 30


@dataclass(frozen=True, slots=True)
class Attempt:
    """The member who may enter, or the reason to show."""

    user: User | None
    reason: str = ""


def authenticate_member(
    request: HttpRequest, *, email: str, password: str, tenant_id: UUID
) -> Attempt:
    """Return the member with these credentials; wrong password and no membership look alike."""
    email = email.strip().lower()
    address = limit_address(client_address(request))
    if not (
        allow(f"g:limit:login:account:{email}", rate=PER_ACCOUNT, per_seconds=60)
        and allow(f"g:limit:login:address:{address}", rate=PER_ADDRESS, per_seconds=60)
    ):
        return Attempt(None, _("Too many attempts. Wait one minute and try again."))
    user = authenticate(request, username=email, password=password)
    if isinstance(user, User) and membership_of(user_id=user.pk, tenant_id=tenant_id):
        return Attempt(user)
    return Attempt(None, _("E-mail or password is wrong. Check both and try again."))
