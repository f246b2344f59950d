"""Log-in, log-out and what a person sets for themselves."""

from django.contrib.auth import login as start_session
from django.contrib.auth import logout as end_session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from evosense.core.schema import current_tenant
from tenancy.forms import LoginForm, PreferencesForm
from tenancy.models import User
from tenancy.permissions import MEMBER, public_page, requires
from tenancy.services.login import authenticate_member


@public_page
@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Log a member of this company in; the same answer for every reason to refuse."""
    target = _safe_target(request)
    if request.user.is_authenticated and getattr(request, "membership", None):
        return redirect(target)
    form = LoginForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        attempt = authenticate_member(
            request,
            email=form.cleaned_data["email"],
            password=form.cleaned_data["password"],
            tenant_id=current_tenant().id,
        )
        if attempt.user:
            start_session(request, attempt.user)
            return redirect(target)
        form.add_error(None, attempt.reason)
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "next": target, "workspace": current_tenant().name}
    return render(request, "account/login.html", context, status=status)


@public_page
@never_cache
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session and what the browser kept of it."""
    end_session(request)
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
    user = request.user
    if isinstance(user, User):
        if "theme" in request.POST:
            user.theme = form.cleaned_data["theme"] or User.Theme.SYSTEM
        if "language" in request.POST:
            user.locale = form.cleaned_data["language"]
        user.save(update_fields=["theme", "locale"])
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204)
    return redirect(_safe_target(request))


def _safe_target(request: HttpRequest) -> str:
    target = request.POST.get("next") or request.GET.get("next") or "/"
    allowed = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if allowed else "/"
