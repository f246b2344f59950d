"""The operators' site: Django admin on the public host, behind a door of its own.

Apps register their pages on `operator_site`; `evosense.admin_sites` puts the whole together.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from evosense.core.actor import Actor, acting
from evosense.core.client_address import client_address
from tenancy.models import User
from tenancy.services import mfa, sessions
from tenancy.services.operators import SESSION_KEY, comes_from_inside, is_operator

# Alpine, which unfold's pages are made of, evaluates attributes and sets styles. Nowhere else.
RELAXED = {"script-src": ["'unsafe-eval'"], "style-src": ["'unsafe-inline'"]}
# What acts without audit, what needs a tenant's cache, and what has a page of ours instead.
_LEFT_OUT = frozenset(
    {"password_change", "password_change_done", "view_on_site", "search", "login", "logout"}
)

View = Callable[..., HttpResponse]


class OperatorSite(UnfoldAdminSite):
    """Django admin for the people who run the house. Every act goes through a service."""

    index_title = _("The house now")
    index_template = "operators/dashboard.html"
    login_template = "operators/login.html"
    # Filled by the composition root, which may ask every app.
    dashboard: Callable[[HttpRequest], dict[str, Any]] | None = None

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._pages: list[tuple[str, View, str]] = []

    def add_page(self, route: str, view: View, name: str) -> None:
        """Add a page that belongs to no model; call it before the URLs are read."""
        self._pages.append((route, view, name))

    def has_permission(self, request: HttpRequest) -> bool:
        """Let in whoever is an operator and came in by the operators' door."""
        user = request.user
        if not (isinstance(user, User) and is_operator(user) and SESSION_KEY in request.session):
            return False
        settled: bool | None = getattr(request, "_factor_settled", None)
        if settled is None:
            settled = settings.IS_LOCAL or mfa.has_second_factor(user)
            request._factor_settled = settled  # type: ignore[attr-defined]  # noqa: SLF001
        return settled

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # noqa: FBT001, FBT002
        guarded: View = super().admin_view(view, cacheable)

        def at_the_door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            refuse_outsiders(request)
            with acting(actor_of(request)):
                if self.has_permission(request) and _is_over(request):
                    return redirect("admin:login")
                return relax(render(guarded(request, *args, **kwargs)))

        return update_wrapper(at_the_door, view)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        from tenancy.admin import door, door_passkeys, finder  # noqa: PLC0415

        own = [
            path("login/", door.login, name="login"),
            path("login/code/", door.code, name="login-code"),
            path("login/passkey/", door_passkeys.login, name="login-passkey"),
            path("login/passkey/options/", door_passkeys.login_options, name="passkey-challenge"),
            path("factor/", door.factor, name="factor"),
            path("factor/passkeys/", door_passkeys.add, name="passkey-add"),
            path("factor/passkeys/options/", door_passkeys.options, name="passkey-options"),
            path(
                "factor/passkeys/<int:passkey>/remove/", door_passkeys.remove, name="passkey-remove"
            ),
            path("search/", self.admin_view(finder.search), name="search"),
            path("logout/", door.logout, name="logout"),
        ]
        own += [path(route, self.admin_view(view), name=name) for route, view, name in self._pages]
        stock = [
            entry for entry in super().get_urls() if getattr(entry, "name", None) not in _LEFT_OUT
        ]
        return [*own, *stock]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        numbers = self.dashboard(request) if self.dashboard else {}
        page: HttpResponse = super().index(request, {**(extra_context or {}), **numbers})
        return page

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return nothing: the side bar is a list of our own, in the order of need."""
        return super().get_app_list(request, app_label) if app_label else []


def refuse_outsiders(request: HttpRequest) -> None:
    """Answer as if nothing were here when the address is not one of the operators' networks."""
    if not comes_from_inside(client_address(request)):
        raise Http404


def _is_over(request: HttpRequest) -> bool:
    """End the session of an operator who was away for long, or here for very long."""
    idle, longest = sessions.OPERATOR_IDLE, sessions.OPERATOR_LONGEST
    ended = sessions.touch(request, idle=idle, longest=longest, active=True)
    if ended:
        sessions.end(request, reason=ended)
    return bool(ended)


def actor_of(request: HttpRequest) -> Actor:
    """Return the operator as the audit names one."""
    user = request.user
    if not is_operator(user):
        return Actor(address=client_address(request))
    return Actor(
        kind="operator",
        id=str(user.pk),
        label=str(getattr(user, "email", "")),
        address=client_address(request),
        request_id=getattr(request, "request_id", ""),
    )


def render(response: HttpResponse) -> HttpResponse:
    """Render a template answer now, while the operator is still named."""
    if callable(getattr(response, "render", None)) and not getattr(response, "is_rendered", True):
        response.render()  # type: ignore[attr-defined]
    return response


def relax(response: HttpResponse) -> HttpResponse:
    """Widen the content policy of one answer to what unfold needs."""
    response._csp_update = RELAXED  # type: ignore[attr-defined]  # noqa: SLF001
    return response


operator_site = OperatorSite(name="admin")
