"""Changes of second factors from a page: other sessions end, the person is told by letter."""

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import NotAllowed
from tenancy.models import User
from tenancy.selectors.policy import must_keep_mfa
from tenancy.services import mail, mfa, passkeys, profile, sessions


def enable_app(request: HttpRequest, user: User, *, sealed: str, code: str) -> None:
    """Bind the app that shows `code`."""
    with transaction.atomic():
        mfa.enable_app(user, sealed=sealed, code=code)
        _after_change(request, user)
    request.session[sessions.SECOND_FACTOR] = True
    sessions.rotate(request)


def disable_app(request: HttpRequest, user: User) -> None:
    """Forget the app; raises NotAllowed when it is the last factor and one is demanded."""
    with transaction.atomic():
        if mfa.disable_app(user):
            _refuse_none(user)
            _after_change(request, user)
    request.session[sessions.SECOND_FACTOR] = mfa.has_second_factor(user)
    sessions.rotate(request)


def add_passkey(request: HttpRequest, user: User, *, name: str, answer: str) -> None:
    """Keep the passkey that the browser made."""
    with transaction.atomic():
        passkeys.add(request, user, name=name, answer=answer)
        _after_change(request, user)
    request.session[sessions.SECOND_FACTOR] = True
    sessions.rotate(request)


def remove_passkey(request: HttpRequest, user: User, key: str) -> None:
    """Forget a passkey; raises NotAllowed when it is the last factor and one is demanded."""
    with transaction.atomic():
        passkeys.remove(user, key)
        _refuse_none(user)
        _after_change(request, user)
    request.session[sessions.SECOND_FACTOR] = mfa.has_second_factor(user)
    sessions.rotate(request)


def renew_codes(user: User) -> None:
    """Replace the recovery codes and tell the person."""
    with transaction.atomic():
        mfa.new_recovery_codes(user)
        mail.post("mfa_changed", **profile.addressed(user))


def _refuse_none(user: User) -> None:
    """Undo the transaction when it took the last factor of somebody who must have one."""
    if mfa.has_second_factor(user) or not must_keep_mfa(user):
        return
    message = _("Your company requires a second step. Add another one before you remove this.")
    raise NotAllowed("mfa_required", message)


def _after_change(request: HttpRequest, user: User) -> None:
    sessions.end_others(user, keep=request.session.session_key, reason="second factor changed")
    mail.post("mfa_changed", **profile.addressed(user))
