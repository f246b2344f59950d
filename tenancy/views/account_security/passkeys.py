"""Adding, naming and removing passkeys."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from evosense.core.errors import DomainError, NotFound
from tenancy.challenges import challenge
from tenancy.permissions import MEMBER, requires
from tenancy.recent import recently_authenticated
from tenancy.services import factor_changes, mfa, passkeys
from tenancy.views.account_security.common import person, words


@requires(MEMBER)
@recently_authenticated
@require_POST
def options(request: HttpRequest) -> HttpResponse:
    """Give the browser a challenge for a new passkey."""
    user = person(request)
    return challenge(lambda: passkeys.creation_options(request, user))


@requires(MEMBER)
@recently_authenticated
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Keep the passkey that the browser made."""
    user = person(request)
    is_first = not mfa.has_second_factor(user)
    try:
        factor_changes.add_passkey(
            request,
            user,
            name=request.POST.get("name", ""),
            answer=request.POST.get("credential", ""),
        )
    except DomainError as refused:
        messages.error(request, words(refused))
        return redirect("account:security")
    messages.success(request, _("The passkey is added. All other log-ins have ended."))
    return redirect("account:codes" if is_first else "account:security")


@requires(MEMBER)
@require_POST
def rename(request: HttpRequest, passkey: str) -> HttpResponse:
    """Give a passkey another name."""
    try:
        passkeys.rename(person(request), passkey, request.POST.get("name", ""))
    except NotFound as missing:
        raise Http404 from missing
    except DomainError as refused:
        messages.error(request, words(refused))
    return redirect("account:security")


@requires(MEMBER)
@recently_authenticated
@require_POST
def remove(request: HttpRequest, passkey: str) -> HttpResponse:
    """Forget a passkey, unless it is the factor that somebody demands."""
    try:
        factor_changes.remove_passkey(request, person(request), passkey)
        messages.success(request, _("The passkey is removed. All other log-ins have ended."))
    except NotFound as missing:
        raise Http404 from missing
    except DomainError as refused:
        messages.error(request, words(refused))
    return redirect("account:security")
