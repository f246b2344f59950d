"""What a company demands of a member on every page: a live session, open hours, a second factor.

API keys are not people and do not pass here.
"""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from tenancy.models import Membership, SecurityPolicy
from tenancy.selectors.policy import closed_until, demands_mfa, in_grace, policy_of_tenant
from tenancy.services import mfa, sessions

# What a person without the demanded second factor may still open: the way to one.
WAY_TO_MFA = (
    "/conta/seguranca/",
    "/conta/confirmar/",
    "/conta/preferencias/",
    "/entrar/",
    "/sair/",
)
SETUP_PATH = "/conta/seguranca/"
# Asked for by pages themselves, so no sign that somebody is there.
_UNATTENDED = frozenset({"/conta/eventos/"})
_NOTICE = "login_notice"


def inspect(request: HttpRequest) -> HttpResponse | None:
    """Return what answers instead of the page, or None to go on."""
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None or request.path in {"/sair/", "/entrar/"}:
        return None
    policy = policy_of_tenant(membership.tenant)
    ended = sessions.touch(
        request,
        idle=timedelta(minutes=policy.idle_minutes),
        longest=sessions.LONGEST,
        active=_is_attended(request),
    )
    if ended:
        return _to_login(request, reason=ended)
    closed = closed_until(membership)
    if closed:
        until = closed.isoformat() if isinstance(closed, datetime) else ""
        return _to_login(request, reason="hours", until=until)
    return _inspect_factor(request, membership, policy)


def say_why(request: HttpRequest, *, reason: str, until: str = "") -> None:
    """Keep for the log-in page why the person is there."""
    request.session[_NOTICE] = {"reason": reason, "until": until}


def take_notice(request: HttpRequest) -> dict[str, Any]:
    """Return why the person was sent to log in, once."""
    notice = request.session.pop(_NOTICE, None) or {}
    until = notice.get("until")
    return {**notice, "until": datetime.fromisoformat(until) if until else None}


def _inspect_factor(
    request: HttpRequest, membership: Membership, policy: SecurityPolicy
) -> HttpResponse | None:
    request.mfa_due = None  # type: ignore[attr-defined]
    if request.session.get(sessions.SECOND_FACTOR) or not demands_mfa(policy, membership.role):
        return None
    if mfa.has_second_factor(request.user):
        return None
    if in_grace(policy):
        request.mfa_due = policy.mfa_grace_until  # type: ignore[attr-defined]
        return None
    if request.path.startswith(WAY_TO_MFA):
        return None
    return _send(request, SETUP_PATH)


def _to_login(request: HttpRequest, *, reason: str, until: str = "") -> HttpResponse:
    sessions.end(request, reason=reason)
    say_why(request, reason=reason, until=until)
    return _send(request, "/entrar/")


def _send(request: HttpRequest, target: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        # Followed by the browser as a whole; a swapped-in log-in page would sit inside the old one.
        response = HttpResponse(status=401)
        response["HX-Redirect"] = target
        return response
    return redirect(target)


def _is_attended(request: HttpRequest) -> bool:
    return request.path not in _UNATTENDED and "X-Live" not in request.headers
