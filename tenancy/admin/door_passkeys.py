"""Passkeys of operators: their second factor; whoever has just come in makes and removes them."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from evosense.core.actor import acting
from evosense.core.errors import DomainError, NotFound
from tenancy.admin.door import code_page, enter, pending
from tenancy.admin.site import actor_of, operator_site, refuse_outsiders
from tenancy.challenges import challenge
from tenancy.models import User
from tenancy.recent import proved_recently
from tenancy.services import factor_changes, mfa, passkeys

_PURPOSE = "operator"


@csrf_protect
@never_cache
@require_POST
def login_options(request: HttpRequest) -> HttpResponse:
    """Give the browser a challenge for the operator whose password was right."""
    refuse_outsiders(request)
    user, _target = pending(request)
    if user is None:
        raise Http404
    return challenge(lambda: passkeys.request_options(request, user, purpose=_PURPOSE))


@csrf_protect
@never_cache
@require_POST
def login(request: HttpRequest) -> HttpResponse:
    """Let the operator in whose passkey answered; one of somebody else proves nothing."""
    refuse_outsiders(request)
    user, target = pending(request)
    if user is None:
        return redirect("admin:login")
    answer = request.POST.get("credential", "")
    try:
        passkeys.use(request, answer, purpose=_PURPOSE, user=user)
    except DomainError as refused:
        return code_page(request, user, str(refused.message))
    return enter(request, user, target, method="password and passkey")


@csrf_protect
@never_cache
@require_POST
def options(request: HttpRequest) -> HttpResponse:
    """Give the browser a challenge for a new passkey."""
    refuse_outsiders(request)
    user, _target = _maker(request)
    if user is None:
        raise Http404
    return challenge(lambda: passkeys.creation_options(request, user))


@csrf_protect
@never_cache
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Keep the passkey that the browser made; the first one lets its operator in."""
    refuse_outsiders(request)
    user, target = _maker(request)
    if user is None:
        return redirect("admin:factor")
    is_in = operator_site.has_permission(request)
    name, answer = request.POST.get("name", ""), request.POST.get("credential", "")
    try:
        with acting(actor_of(request)):
            if is_in:
                factor_changes.add_passkey(request, user, name=name, answer=answer)
            else:
                passkeys.add(request, user, name=name, answer=answer)
    except DomainError as refused:
        messages.error(request, str(refused.message))
        return redirect("admin:factor")
    if not is_in:
        enter(request, user, target, method="password and passkey")
    if codes := mfa.take_unseen_codes(user):
        return render(request, "operators/codes.html", {"codes": codes, "target": target})
    messages.success(request, _("The passkey is added. All other log-ins have ended."))
    return redirect("admin:factor")


@csrf_protect
@never_cache
@require_POST
def remove(request: HttpRequest, passkey: int) -> HttpResponse:
    """Forget a passkey, unless it is the last factor: operators do not come in without one."""
    refuse_outsiders(request)
    user = request.user
    if not (isinstance(user, User) and _may_change(request)):
        return redirect("admin:factor")
    try:
        with acting(actor_of(request)):
            factor_changes.remove_passkey(request, user, str(passkey))
        messages.success(request, _("The passkey is removed. All other log-ins have ended."))
    except NotFound as missing:
        raise Http404 from missing
    except DomainError as refused:
        messages.error(request, str(refused.message))
    return redirect("admin:factor")


def _maker(request: HttpRequest) -> tuple[User | None, str]:
    """Return who may make a passkey now: an operator just come in, or one without any factor."""
    user, target = pending(request)
    if isinstance(request.user, User) and _may_change(request):
        return request.user, target
    is_first = user is not None and not mfa.has_second_factor(user)
    return (user if is_first else None), target


def _may_change(request: HttpRequest) -> bool:
    return operator_site.has_permission(request) and proved_recently(request)
