"""How an operator comes in: password, then the second factor. Strict pages, no admin scripts.

Between the two the session only remembers whose password was right, for five minutes. Passkeys as
the second factor are in `tenancy.admin.door_passkeys`.
"""

import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from evosense.core.actor import acting
from evosense.core.errors import Invalid
from tenancy.admin.site import actor_of, operator_site, refuse_outsiders
from tenancy.forms import LoginForm
from tenancy.models import User
from tenancy.recent import proved_recently
from tenancy.services import mfa, operators, passkeys, sessions

PENDING_SECONDS = 300
_PENDING = "operator_pending"
_SEED = "operator_seed"
_TARGET = "operator_target"


@sensitive_post_parameters("password")
@csrf_protect
@never_cache
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Ask for e-mail and password; the same answer for every reason to refuse."""
    refuse_outsiders(request)
    target = _safe_target(request)
    if operator_site.has_permission(request):
        return redirect(target)
    form = LoginForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        attempt = operators.authenticate_operator(
            request, email=form.cleaned_data["email"], password=form.cleaned_data["password"]
        )
        if attempt.user:
            return _half_way(request, attempt.user, target)
        form.add_error(None, attempt.reason)
    status = 422 if request.method == "POST" else 200
    return render(request, "operators/login.html", {"form": form, "next": target}, status=status)


@sensitive_post_parameters("code")
@csrf_protect
@never_cache
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Ask for the code of the app, or a recovery code."""
    refuse_outsiders(request)
    user, target = pending(request)
    if user is None:
        return redirect("admin:login")
    reason = ""
    if request.method == "POST":
        reason = operators.check_factor(user, request.POST.get("code", ""))
        if not reason:
            return enter(request, user, target, method="password and code")
    return code_page(request, user, reason)


@sensitive_post_parameters("code")
@csrf_protect
@never_cache
@require_http_methods(["GET", "POST"])
def factor(request: HttpRequest) -> HttpResponse:
    """Set the app up: before the first entry, or later by an operator who is in."""
    refuse_outsiders(request)
    user, target = pending(request)
    is_in = operator_site.has_permission(request)
    if is_in and isinstance(request.user, User):
        user, target = request.user, reverse("admin:index")
    if user is None:
        return redirect("admin:login")
    if not mfa.has_second_factor(user):
        return _set_up(request, user, target, is_in=is_in)
    return _factor_page(request, user) if is_in else redirect("admin:login-code")


@csrf_protect
@never_cache
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session and what the browser kept of it."""
    refuse_outsiders(request)
    with acting(actor_of(request)):
        sessions.end(request)
    response = redirect("admin:login")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _half_way(request: HttpRequest, user: User, target: str) -> HttpResponse:
    if operators.needs_no_factor(user):
        return enter(request, user, target, method="password", second_factor=False)
    # What an unknown browser brought along must not become an operator's session.
    request.session.flush()
    request.session[_PENDING] = {"user": user.pk, "until": time.time() + PENDING_SECONDS}
    request.session[_TARGET] = target
    return redirect("admin:login-code" if mfa.has_second_factor(user) else "admin:factor")


def pending(request: HttpRequest) -> tuple[User | None, str]:
    """Return whose password was right in the last five minutes, and where the person wanted to."""
    waiting: dict[str, Any] = request.session.get(_PENDING) or {}
    target = request.session.get(_TARGET) or reverse("admin:index")
    if waiting.get("until", 0) < time.time():
        return None, target
    return User.objects.filter(pk=waiting["user"], is_staff=True, is_active=True).first(), target


def _set_up(request: HttpRequest, user: User, target: str, *, is_in: bool) -> HttpResponse:
    sealed = request.session.setdefault(_SEED, mfa.new_secret())
    reason: Any = ""
    if request.method == "POST":
        try:
            with acting(actor_of(request)):
                mfa.enable_app(user, sealed=sealed, code=request.POST.get("code", ""))
        except Invalid as error:
            reason = error.message
        else:
            if not is_in:
                enter(request, user, target, method="password and code")
            request.session.pop(_SEED, None)
            codes = mfa.take_unseen_codes(user)
            return render(request, "operators/codes.html", {"codes": codes, "target": target})
    drawing, width = mfa.setup_code(user, sealed)
    context = {
        "reason": reason,
        "drawing": drawing,
        "width": width,
        "secret": mfa.shown_secret(sealed),
        "offered": passkeys.offered_on(request),
        "next_name": _next_name(1),
    }
    return render(request, "operators/factor_new.html", context, status=422 if reason else 200)


def code_page(request: HttpRequest, user: User, reason: str) -> HttpResponse:
    """Ask for the second factor in every form that the operator has."""
    factors = mfa.factors_of(user)
    usable = passkeys.usable_on(request, user)
    context = {"reason": reason, "factors": factors, "passkeys": usable}
    return render(request, "operators/code.html", context, status=422 if reason else 200)


def _factor_page(request: HttpRequest, user: User) -> HttpResponse:
    keys = passkeys.passkeys_of(user)
    factors = mfa.factors_of(user)
    context = {
        "factors": factors,
        "passkeys": keys,
        "offered": passkeys.offered_on(request),
        "may_change": proved_recently(request),
        "is_last": bool(factors.app_since) + len(keys) == 1,
        "next_name": _next_name(len(keys) + 1),
        "target": reverse("admin:index"),
    }
    return render(request, "operators/factor.html", context)


def _next_name(number: int) -> str:
    return _("Passkey %(n)d") % {"n": number}


def enter(
    request: HttpRequest, user: User, target: str, *, method: str, second_factor: bool = True
) -> HttpResponse:
    """Begin the operator's session and go on to what was asked for."""
    sessions.start(request, user, method=method, second_factor=second_factor)
    for name in (_PENDING, _TARGET):
        request.session.pop(name, None)
    request.session[operators.SESSION_KEY] = now().isoformat()
    request.session.set_expiry(sessions.OPERATOR_LONGEST)
    return redirect(target)


def _safe_target(request: HttpRequest) -> str:
    home = reverse("admin:index")
    target = request.POST.get("next") or request.GET.get("next") or home
    allowed = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if allowed and target.startswith(home) else home
