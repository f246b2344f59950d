"""Checking a log-in: slow for guessers, the same answer for every reason to refuse."""

import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evosense.core.client_address import client_address, limit_address
from evosense.core.ratelimit import allow
from evosense.core.schema import public_scope
from tenancy import devices
from tenancy.models import Membership, User
from tenancy.selectors.members import membership_of
from tenancy.services import audit, mfa, throttle

# The first line, in Redis. Attempts a minute: per account against guessing, per address against
# spraying. The second line, which nothing forgives, is `throttle`.
PER_ACCOUNT = 10
PER_ADDRESS = 60
# A person between password and second factor; longer than finding the telephone takes.
HALF_WAY_SECONDS = 600
_HALF_WAY = "half_way"


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
    refusal = _refuse_haste(request, email)
    if refusal:
        return Attempt(None, refusal)
    kind, name = _account_of(request, email)
    address = limit_address(client_address(request))
    turns = [throttle.count_attempt(kind, name)]
    if kind != "device":
        # A colleague's failures do not keep out somebody whose browser is known.
        turns.append(throttle.count_attempt("address", address))
    blocked = [turn.until for turn in turns if not turn.allowed]
    if blocked:
        return Attempt(None, wait_words(max(until for until in blocked if until)))
    user = authenticate(request, username=email, password=password)
    if isinstance(user, User) and membership_of(user_id=user.pk, tenant_id=tenant_id):
        throttle.forgive(kind, name)
        if kind != "device":
            throttle.give_back("address", address)
        return Attempt(user)
    if turns[0].was_last:
        note_throttled(email, tenant_id)
    return Attempt(None, _("E-mail or password is wrong. Check both and try again."))


def check_password(request: HttpRequest, user: User, password: str) -> str:
    """Return why the password is not accepted from somebody who is logged in, "" when it is."""
    kind, name = _account_of(request, user.email)
    turn = throttle.count_attempt(kind, name)
    if not turn.allowed and turn.until:
        return wait_words(turn.until)
    if not user.check_password(password):
        return _("This password is not right.")
    throttle.forgive(kind, name)
    return ""


def check_factor(user: User, code: str, tenant_id: UUID | None) -> tuple[str, str]:
    """Use up a code; returns its kind and "", or "" and the reason to refuse it."""
    subject = str(user.pk)
    turn = throttle.count_attempt("factor", subject)
    if not turn.allowed and turn.until:
        return "", wait_words(turn.until)
    kind = mfa.check_code(user, code)
    if kind:
        throttle.forgive("factor", subject)
        return kind, ""
    if turn.was_last and tenant_id:
        note_throttled(user.email, tenant_id)
    return "", _("This code is not right or was used before. Wait for the next one.")


def begin_half_way(request: HttpRequest, user: User) -> None:
    """Remember who has shown the password. Such a session is nobody's and opens nothing."""
    request.session.flush()
    request.session[_HALF_WAY] = {
        "user": user.pk,
        # A password that is changed meanwhile ends the attempt.
        "hash": user.get_session_auth_hash(),
        "at": int(time.time()),
    }


def half_way(request: HttpRequest) -> User | None:
    """Return who has shown the password within the last ten minutes and owes a second factor."""
    state = request.session.get(_HALF_WAY)
    if not state or not 0 <= time.time() - state["at"] < HALF_WAY_SECONDS:
        return None
    with public_scope():
        user = User.objects.filter(pk=state["user"], is_active=True).first()
    if user and constant_time_compare(user.get_session_auth_hash(), state["hash"]):
        return user
    return None


def wait_words(until: datetime) -> str:
    """Say how long to wait, in whole minutes."""
    minutes = max(1, -(-int((until - timezone.now()).total_seconds()) // 60))
    return ngettext(
        "Too many attempts. Wait one minute and try again.",
        "Too many attempts. Wait %(n)d minutes and try again.",
        minutes,
    ) % {"n": minutes}


def note_throttled(email: str, tenant_id: UUID) -> None:
    """Tell the company that somebody guesses at one of its people; once for each pause.

    An address that is nobody's is not written down: it may be a password typed into the wrong box.
    """
    with public_scope():
        member = (
            Membership.objects.select_related("user")
            .filter(tenant_id=tenant_id, user__email=email, is_active=True)
            .first()
        )
    if member:
        audit.record(
            "session.failed",
            object_type="user",
            object_id=member.user.pk,
            object_label=member.user.email,
            changes={"throttled": [False, True]},
            tenant_id=tenant_id,
        )


def _refuse_haste(request: HttpRequest, email: str) -> str:
    address = throttle.subject_of("address", limit_address(client_address(request))).hex()
    account = throttle.subject_of("account", email).hex()
    if allow(f"g:limit:login:account:{account}", rate=PER_ACCOUNT, per_seconds=60) and allow(
        f"g:limit:login:address:{address}", rate=PER_ADDRESS, per_seconds=60
    ):
        return ""
    return _("Too many attempts. Wait a minute and try again.")


def _account_of(request: HttpRequest, email: str) -> tuple[throttle.Kind, str]:
    """Return what attempts at this account are counted under.

    A browser in which the person has logged in before has a count of its own, so that a stranger
    who guesses all day long does not keep the person out.
    """
    with public_scope():
        found = User.objects.filter(email=email).values_list("pk", flat=True).first()
    if found and devices.is_known(request, found):
        return "device", email
    return "account", email
