"""How an operator enters a company with a one-time code, and leaves it."""

from django.contrib.auth import login as start_session
from django.contrib.auth import logout as end_session
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from evosense.core.client_address import client_address
from evosense.core.errors import NotFound
from evosense.core.schema import current_tenant
from tenancy.permissions import public_page
from tenancy.services import support, throttle
from tenancy.services.sessions import BACKEND
from tenancy.support_gate import SESSION_ENDS_WITH_BROWSER, SESSION_KEY


@public_page
@never_cache
@require_safe
def enter(request: HttpRequest) -> HttpResponse:
    """Use the code up and begin the visit; every code that is not good looks the same."""
    turn = throttle.count_attempt("address", client_address(request))
    if not turn.allowed:
        return render(request, "account/support_over.html", status=429)
    try:
        grant, operator = support.redeem(
            request.GET.get("codigo", ""), tenant_id=current_tenant().id
        )
    except NotFound:
        return render(request, "account/support_over.html", status=404)
    throttle.give_back("address", client_address(request))
    # Whoever was logged in here before has nothing to do with the visit.
    request.session.flush()
    start_session(request, operator, backend=BACKEND)
    request.session[SESSION_KEY] = str(grant.pk)
    request.session.set_expiry(SESSION_ENDS_WITH_BROWSER)
    return redirect("/")


@public_page
@never_cache
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """End the access from the banner."""
    grant = getattr(request, "support", None)
    if grant is None:
        raise Http404
    support.end_grant(grant.pk, by="operator")
    end_session(request)
    return redirect("account:login")
