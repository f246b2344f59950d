"""How an operator comes in: password, then the second factor. Strict pages, no admin scripts."""

from django.contrib.auth import login as start_session
from django.contrib.auth import logout as end_session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from evosense.core.actor import acting
from tenancy.admin.site import actor_of, operator_site, refuse_outsiders
from tenancy.forms import LoginForm
from tenancy.models import User
from tenancy.services import operators

# A session of the operators ends after these, however busy it is.
SESSION_SECONDS = 8 * 3600


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
            return _enter(request, attempt.user, target)
        form.add_error(None, attempt.reason)
    status = 422 if request.method == "POST" else 200
    return render(request, "operators/login.html", {"form": form, "next": target}, status=status)


@csrf_protect
@never_cache
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session and what the browser kept of it."""
    refuse_outsiders(request)
    with acting(actor_of(request)):
        operators.note_logout(request.user)
    end_session(request)
    response = redirect("admin:login")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _enter(request: HttpRequest, user: User, target: str) -> HttpResponse:
    start_session(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session[operators.SESSION_KEY] = now().isoformat()
    request.session.set_expiry(SESSION_SECONDS)
    with acting(actor_of(request)):
        operators.note_login(user)
    return redirect(target)


def _safe_target(request: HttpRequest) -> str:
    home = reverse("admin:index")
    target = request.POST.get("next") or request.GET.get("next") or home
    allowed = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if allowed and target.startswith(home) else home
