"""From a proven password or passkey to a session: hours, second factor, device, letter."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _

from evosense.core.schema import current_tenant
from tenancy import devices, notices
from tenancy.models import User
from tenancy.selectors.members import membership_of
from tenancy.selectors.policy import closed_until
from tenancy.services import login, mail, mfa, profile, sessions


def safe_target(request: HttpRequest) -> str:
    """Return where to go on, never a place outside of this host."""
    target = request.POST.get("next") or request.GET.get("next") or "/"
    allowed = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if allowed else "/"


def enter(request: HttpRequest, user: User, *, method: str, target: str) -> HttpResponse:
    """Let a member in who has shown a password; whoever has a second factor owes that first."""
    if not mfa.has_second_factor(user):
        return complete(request, user, method=method, second_factor=False, target=target)
    login.begin_half_way(request, user)
    return redirect(f"{reverse('account:login-code')}?{urlencode({'next': target})}")


def complete(
    request: HttpRequest, user: User, *, method: str, second_factor: bool, target: str
) -> HttpResponse:
    """Begin the session; a browser that is new to the person is told by letter."""
    is_first = user.last_login is None
    entry = sessions.start(request, user, method=method, second_factor=second_factor)
    if not (is_first or devices.is_known(request, user.pk)) and notices.wants(user, "new_login"):
        mail.post("new_login", **{**profile.addressed(user), "object_id": entry.pk})
    response = redirect(target)
    devices.remember(request, response, user.pk)
    return response


def refusal(user: User) -> str:
    """Return why the person may not be logged in to this company now, "" when it is open."""
    membership = membership_of(user_id=user.pk, tenant_id=current_tenant().id)
    if membership is None:
        return _("E-mail or password is wrong. Check both and try again.")
    closed = closed_until(membership)
    return hours_words(closed if isinstance(closed, datetime) else None) if closed else ""


def hours_words(until: datetime | None) -> str:
    """Say that the company is closed, and until when."""
    if until is None:
        return _("Your company does not allow you to log in at present. Ask an administrator.")
    local = timezone.localtime(until)
    words = {"day": date_format(local, "l, j/n"), "time": local.strftime("%H:%M")}
    return (
        _("Outside your company's log-in hours. You can come back on %(day)s at %(time)s.") % words
    )
