"""Who is asked (the tenant of the host) and who asks (the membership of the user)."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import set_urlconf
from django.utils import translation
from django.utils.translation import gettext as _

from evosense.core.actor import Actor, acting
from evosense.core.client_address import client_address
from evosense.core.problem import problem_response
from evosense.core.schema import active_tenant, public_scope, tenant_scope
from tenancy import gate, support_gate
from tenancy.selectors.hosts import is_moving_host, is_public_host, tenant_of_host
from tenancy.selectors.members import membership_of, permissions_of_member, workspace_url

GetResponse = Callable[[HttpRequest], HttpResponse]
PUBLIC_URLCONF = "evosense.urls_public"
# Seconds; a swap waits about this long for writers to finish.
RETRY_AFTER = 30
# What asks here is no person.
_PROGRAMS = ("/api/", "/hooks/")


class TenantMiddleware:
    """Run the request inside the tenant of its host; an unknown host gets a 404 of its own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = request.get_host().rsplit(":", 1)[0].lower().rstrip(".")
        if is_public_host(host):
            return self._answer_public(request)
        tenant = tenant_of_host(host)
        if tenant is None:
            # Nobody is known here, so only the browser can say which language to speak.
            with translation.override(translation.get_language_from_request(request)):
                moving = is_moving_host(host)
                return _back_in_a_moment(request) if moving else _no_company(request)
        request.tenant = tenant  # type: ignore[attr-defined]
        with (
            tenant_scope(tenant),
            structlog.contextvars.bound_contextvars(tenant=str(tenant.id)),
        ):
            return self.get_response(request)

    def _answer_public(self, request: HttpRequest) -> HttpResponse:
        request.urlconf = PUBLIC_URLCONF
        request.tenant = None  # type: ignore[attr-defined]
        set_urlconf(PUBLIC_URLCONF)
        with public_scope():
            return self.get_response(request)


def _no_company(request: HttpRequest) -> HttpResponse:
    """Answer at an address that leads to no company, and do not repeat it."""
    if request.path.startswith(_PROGRAMS):
        return problem_response(404, "company_unknown", _("There is no company at this address."))
    context = {
        "public_url": workspace_url(settings.PUBLIC_HOST),
        "request_id": getattr(request, "request_id", ""),
    }
    return render(request, "errors/no_company.html", context, status=404)


def _back_in_a_moment(request: HttpRequest) -> HttpResponse:
    """Answer for a company whose tables are being exchanged."""
    if request.path.startswith(_PROGRAMS):
        detail = _("This company is being moved. Try again in a moment.")
        answer: HttpResponse = problem_response(503, "moving", detail)
    else:
        answer = render(request, "errors/503.html", status=503)
    answer["Retry-After"] = str(RETRY_AFTER)
    return answer


class MembershipMiddleware:
    """Attach what the user may do here; a stranger to this tenant is told that nothing is here."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.membership = None  # type: ignore[attr-defined]
        request.support = None  # type: ignore[attr-defined]
        request.permissions = frozenset()  # type: ignore[attr-defined]
        tenant = active_tenant()
        if tenant is None or request.path.startswith(("/api/", "/static/")):
            return self.get_response(request)
        if support_gate.is_visit(request):
            return support_gate.serve(request, tenant, self.get_response)
        if request.user.is_authenticated:
            membership = membership_of(user_id=request.user.pk, tenant_id=tenant.id)
            if membership is None and not _is_for_strangers(request.path):
                raise Http404
            if membership is not None:
                request.membership = membership  # type: ignore[attr-defined]
                request.permissions = permissions_of_member(membership)  # type: ignore[attr-defined]
        with acting(_actor_of(request)):
            refused = gate.inspect(request)
            return refused or self.get_response(request)


def _is_for_strangers(path: str) -> bool:
    """Tell what somebody may open who is logged in here and not a member (any more)."""
    return path in {"/sair/", "/entrar/", support_gate.ENTRY} or path.startswith("/convite/")


def _actor_of(request: HttpRequest) -> Actor:
    """Return who the audit names for acts of this request."""
    user = request.user
    known = bool(user.is_authenticated)
    return Actor(
        kind="user" if known else "system",
        id=str(user.pk) if known else "",
        label=str(getattr(user, "email", "")) if known else "",
        address=client_address(request),
        request_id=getattr(request, "request_id", ""),
    )
