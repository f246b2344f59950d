"""Second factors of a person: the app and the recovery codes."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evosense.core.errors import DomainError
from tenancy.permissions import MEMBER, requires
from tenancy.recent import recently_authenticated
from tenancy.selectors.policy import must_keep_mfa
from tenancy.services import factor_changes, mfa, passkeys
from tenancy.views.account_security.common import page, person, words

_SEED = "app_seed"


@requires(MEMBER)
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """Show what protects the account."""
    user = person(request)
    factors = mfa.factors_of(user)
    keys = passkeys.passkeys_of(user)
    context = {
        "factors": factors,
        "passkeys": keys,
        "offered": passkeys.offered_on(request),
        "must_keep": must_keep_mfa(user),
        "has_password": user.has_usable_password(),
        # With one factor left, removing it would be removing all.
        "is_last": bool(factors.app_since) + len(keys) == 1,
        "next_name": _("Passkey %(n)d") % {"n": len(keys) + 1},
    }
    return page(request, "security", context)


@requires(MEMBER)
@recently_authenticated
@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "POST"])
def app(request: HttpRequest) -> HttpResponse:
    """Show the seed for an app and take the first code of it as proof."""
    user = person(request)
    sealed = request.session.get(_SEED)
    if not sealed:
        sealed = request.session[_SEED] = mfa.new_secret()
    error = ""
    if request.method == "POST":
        try:
            factor_changes.enable_app(
                request, user, sealed=sealed, code=request.POST.get("code", "")
            )
        except DomainError as refused:
            error = words(refused)
        else:
            del request.session[_SEED]
            messages.success(request, _("The app is set up. All other log-ins have ended."))
            return redirect("account:codes")
    drawing, width = mfa.setup_code(user, sealed)
    context = {
        "drawing": drawing,
        "width": width,
        "secret": mfa.shown_secret(sealed),
        "error": error,
        "replaces": bool(mfa.factors_of(user).app_since),
    }
    return page(request, "app", context)


@requires(MEMBER)
@recently_authenticated
@require_POST
def remove_app(request: HttpRequest) -> HttpResponse:
    """Forget the app, unless it is the factor that somebody demands."""
    try:
        factor_changes.disable_app(request, person(request))
        messages.success(request, _("The app is removed. All other log-ins have ended."))
    except DomainError as refused:
        messages.error(request, words(refused))
    return redirect("account:security")


@requires(MEMBER)
@recently_authenticated
@never_cache
@require_http_methods(["GET", "POST"])
def codes(request: HttpRequest) -> HttpResponse:
    """Show new recovery codes once; make others on request."""
    user = person(request)
    if request.method == "POST":
        if mfa.has_second_factor(user):
            factor_changes.renew_codes(user)
        return redirect("account:codes")
    shown = mfa.take_unseen_codes(user)
    context = {"codes": shown, "text": "%0A".join(shown), "factors": mfa.factors_of(user)}
    return page(request, "codes", context)
