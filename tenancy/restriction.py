"""Pages of a company that may not work now: one that says why, and the few that lead out of it.

The API says the same in `tenancy.api_auth`, tasks in `tenancy.db.tasks`: a company is restricted in
the house, not only on its screens.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from evosense.core.schema import TenantRef, public_scope
from tenancy.models import Tenant

GetResponse = Callable[[HttpRequest], HttpResponse]
View = TypeVar("View", bound=Callable[..., HttpResponse])

# A person's own account stays open; the stream of the company's news does not.
_ACCOUNT = ("/conta/", "/entrar/", "/sair/")
_STREAM = "/conta/eventos/"


def open_when_restricted(view: View) -> View:
    """Mark a view that a suspended or expired company's people may still use."""
    view.is_open_when_restricted = True  # type: ignore[attr-defined]
    return view


class RestrictionMiddleware:
    """Show why instead of the page while the company is suspended or its trial is over."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        _args: Any,
        _kwargs: Any,
    ) -> HttpResponse | None:
        tenant: TenantRef | None = getattr(request, "tenant", None)
        if tenant is None or not tenant.is_restricted() or _is_open(request, view):
            return None
        return _say_why(request, tenant)


def _is_open(request: HttpRequest, view: Callable[..., HttpResponse]) -> bool:
    if getattr(view, "is_open_when_restricted", False) or getattr(view, "is_public_page", False):
        return True
    if request.path.startswith("/api/") or getattr(request, "support", None):
        return True
    # Strangers are sent to log in, or told that nothing is here, by the view itself.
    if getattr(request, "membership", None) is None:
        return True
    return request.path.startswith(_ACCOUNT) and request.path != _STREAM


def _say_why(request: HttpRequest, tenant: TenantRef) -> HttpResponse:
    if request.headers.get("HX-Request"):
        # A fragment request would swap the page into a corner of the old one.
        response = HttpResponse(status=403)
        response["HX-Redirect"] = "/"
        return response
    with public_scope():
        company = Tenant.objects.get(pk=tenant.id)
    context = {
        "company": company,
        "is_trial": company.status == Tenant.Status.TRIAL,
        "may_leave": "workspace.delete" in request.permissions,  # type: ignore[attr-defined]
    }
    return render(request, "account/restricted.html", context, status=403)
