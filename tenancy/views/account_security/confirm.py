"""Proving once more that it is still the same person, before something sensitive."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from evosense.core.errors import DomainError
from evosense.core.schema import active_tenant
from tenancy.challenges import challenge
from tenancy.permissions import MEMBER, requires
from tenancy.recent import mark_proved
from tenancy.services import login as logins
from tenancy.services import mfa, passkeys, sessions
from tenancy.views.account_security.common import page, person, words
from tenancy.views.entering import safe_target


@requires(MEMBER)
@sensitive_post_parameters("password", "code", "credential")
@never_cache
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Take a password, a code or a passkey as proof and go on to `next`."""
    user = person(request)
    errors = _judge(request) if request.method == "POST" else {}
    if request.method == "POST" and not errors:
        sessions.rotate(request)
        mark_proved(request)
        return redirect(safe_target(request))
    context = {
        "next": safe_target(request),
        "errors": errors,
        "has_password": user.has_usable_password(),
        "has_app": bool(mfa.factors_of(user).app_since),
        "passkeys": passkeys.usable_on(request, user),
    }
    return page(request, "confirm", context)


@requires(MEMBER)
@require_POST
def confirm_options(request: HttpRequest) -> HttpResponse:
    """Give the browser a challenge for one of the person's passkeys."""
    user = person(request)
    return challenge(lambda: passkeys.request_options(request, user, purpose="confirm"))


def _judge(request: HttpRequest) -> dict[str, str]:
    """Return what is wrong with the proof by field, nothing when it is right."""
    user = person(request)
    if request.POST.get("credential"):
        try:
            passkeys.use(request, request.POST["credential"], purpose="confirm", user=user)
        except DomainError as refused:
            return {"credential": words(refused)}
        return {}
    if request.POST.get("code"):
        tenant = active_tenant()
        tenant_id = tenant.id if tenant else None
        _kind, error = logins.check_factor(user, request.POST["code"], tenant_id)
        return {"code": error} if error else {}
    error = logins.check_password(request, user, request.POST.get("password", ""))
    return {"password": error} if error else {}
