"""Log-in in its steps, log-out, and the small preferences of the frame."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from evosense.core.client_address import client_address, limit_address
from evosense.core.errors import DomainError
from evosense.core.ratelimit import allow
from evosense.core.schema import current_tenant
from tenancy import gate
from tenancy.challenges import challenge
from tenancy.forms import LoginForm, PreferencesForm
from tenancy.models import User
from tenancy.permissions import MEMBER, public_page, requires
from tenancy.services import login as logins
from tenancy.services import mfa, passkeys, profile, sessions, throttle
from tenancy.views.entering import complete, enter, hours_words, refusal, safe_target

# Challenges a minute for one address: each costs a session row.
CHALLENGES = 20


@public_page
@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Log a member of this company in; the same answer for every reason to refuse."""
    target = safe_target(request)
    if request.user.is_authenticated and getattr(request, "membership", None):
        return redirect(target)
    # Where sign-up and letters lead, the person need not type the address again.
    form = LoginForm(request.POST or None, initial={"email": request.GET.get("email", "")[:254]})
    if request.method == "POST" and form.is_valid():
        attempt = logins.authenticate_member(
            request,
            email=form.cleaned_data["email"],
            password=form.cleaned_data["password"],
            tenant_id=current_tenant().id,
        )
        reason = refusal(attempt.user) if attempt.user else attempt.reason
        if attempt.user and not reason:
            return enter(request, attempt.user, method="password", target=target)
        form.add_error(None, reason)
    return _login_page(request, form)


@public_page
@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "POST"])
def login_code(request: HttpRequest) -> HttpResponse:
    """Ask whoever has shown the password for the second factor."""
    target = safe_target(request)
    user = logins.half_way(request)
    if user is None:
        return redirect(f"{reverse('account:login')}?{urlencode({'next': target})}")
    error = ""
    if request.method == "POST":
        kind, error = logins.check_factor(user, request.POST.get("code", ""), current_tenant().id)
        error = error or refusal(user)
        if not error:
            method = f"password+{kind}"
            return complete(request, user, method=method, second_factor=True, target=target)
    return _code_page(request, user, error)


@public_page
@never_cache
@require_POST
def login_passkey_options(request: HttpRequest) -> HttpResponse:
    """Give the browser a challenge: for the person half-way in, else for anybody's passkey."""
    address = throttle.subject_of("address", limit_address(client_address(request))).hex()
    if not allow(f"g:limit:passkey:address:{address}", rate=CHALLENGES, per_seconds=60):
        message = _("Too many attempts. Wait a minute and try again.")
        return JsonResponse({"message": message}, status=429)
    user = logins.half_way(request)
    return challenge(lambda: passkeys.request_options(request, user, purpose="login"))


@public_page
@never_cache
@require_POST
def login_passkey(request: HttpRequest) -> HttpResponse:
    """Log in with a passkey: alone, or as the second factor."""
    owing = logins.half_way(request)
    try:
        user = passkeys.use(
            request, request.POST.get("credential", ""), purpose="login", user=owing
        )
        error = refusal(user)
    except DomainError as refused:
        error = str(refused.message)
    if not error:
        method = "password+passkey" if owing else "passkey"
        target = safe_target(request)
        return complete(request, user, method=method, second_factor=True, target=target)
    if owing:
        return _code_page(request, owing, error)
    return _login_page(request, LoginForm(), refused=error)


@public_page
@never_cache
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session and what the browser kept of it."""
    sessions.end(request)
    response = redirect("account:login")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


@requires(MEMBER)
@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Keep the person's theme and language."""
    form = PreferencesForm(request.POST)
    if not form.is_valid():
        return HttpResponse(_("Choose one of the offered values."), status=422)
    chosen = {}
    if "theme" in request.POST:
        chosen["theme"] = form.cleaned_data["theme"] or User.Theme.SYSTEM
    if "language" in request.POST:
        chosen["locale"] = form.cleaned_data["language"]
    if isinstance(request.user, User):
        profile.change_profile(request.user, **chosen)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204)
    return redirect(safe_target(request))


def _login_page(request: HttpRequest, form: LoginForm, *, refused: str = "") -> HttpResponse:
    context = {
        "form": form,
        "next": safe_target(request),
        "workspace": current_tenant().name,
        "notice": _notice_words(gate.take_notice(request)),
        "passkeys": passkeys.offered_on(request),
        "passkey_error": refused,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "account/login.html", context, status=status)


def _code_page(request: HttpRequest, user: User, error: str) -> HttpResponse:
    factors = mfa.factors_of(user)
    context = {
        "person": user,
        "factors": factors,
        "passkeys": passkeys.usable_on(request, user),
        "elsewhere": bool(factors.passkeys) and not passkeys.offered_on(request),
        "next": safe_target(request),
        "error": error,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "account/login_code.html", context, status=status)


def _notice_words(notice: dict[str, Any]) -> str:
    reason = notice.get("reason")
    if reason == "hours":
        return hours_words(notice["until"])
    words = {
        "idle": _("You were away for a while, so we logged you out. Log in again to go on."),
        "expired": _("A log-in lasts seven days. Log in again to go on."),
    }
    return words.get(str(reason), "")
