"""The permission table: what each role may do, and how each URL says what it asks for.

Every view of a tenant's host carries either `required_permission` (set by `requires`) or
`is_public_page`; the isolation matrix fails for a view with neither.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode

View = TypeVar("View", bound=Callable[..., HttpResponse])

# Being a member is enough.
MEMBER = "member"

_VIEWER = frozenset(
    {MEMBER, "overview.view", "conversations.view", "contacts.view", "connections.view"}
)
_AGENT = _VIEWER | {"numbers.view", "conversations.reply", "contacts.edit"}
_SUPERVISOR = _AGENT | {
    "contacts.merge",
    "events.view",
    "members.view",
    "experiments.view",
    "labels.review",
}
_ADMIN = _SUPERVISOR | {
    "connections.manage",
    "events.replay",
    "members.manage",
    "keys.manage",
    "webhooks.manage",
    "audit.view",
    "settings.manage",
    "experiments.manage",
    "ai.manage",
}
_OWNER = _ADMIN | {"audit.export", "billing.manage", "data.export", "workspace.delete"}

ROLE_PERMISSIONS: dict[str, frozenset[str]] = {
    "viewer": _VIEWER,
    "agent": _AGENT,
    "supervisor": _SUPERVISOR,
    "admin": _ADMIN,
    "owner": _OWNER,
}
ALL_PERMISSIONS = _OWNER

SCOPES = (
    "messages:read",
    "messages:write",
    "conversations:read",
    "contacts:read",
    "contacts:write",
    "connections:read",
    "connections:write",
    "events:read",
    "events:write",
    "webhooks:read",
    "webhooks:write",
    "members:read",
    "audit:read",
    "search:read",
    "analysis:read",
    "analysis:write",
    "providers:write",
    "prompts:read",
    "prompts:write",
    "experiments:read",
    "experiments:write",
)

# What a company's own roles may hold: all but the owner's.
GRANTABLE_PERMISSIONS = _ADMIN - {MEMBER}
# A hint of the event stream is for whoever has one of these; other kinds are for every member.
HINT_PERMISSIONS: dict[str, frozenset[str]] = {
    "messages": frozenset({"conversations.view", "overview.view"}),
    "contacts": frozenset({"contacts.view"}),
    "connections": frozenset({"connections.view"}),
    "raw": frozenset({"connections.view", "events.view"}),
    "pairing": frozenset({"connections.view"}),
}


def permissions_of(role: str, own: Iterable[str] | None = None) -> frozenset[str]:
    """Return what a role may do; an unknown role may do nothing.

    `own` is the list of a role that the company made: it replaces what `role` may do, and never
    reaches beyond an administrator even when the stored list does.
    """
    if own is None:
        return ROLE_PERMISSIONS.get(role, frozenset())
    return (frozenset(own) & GRANTABLE_PERMISSIONS) | {MEMBER}


def rank_of(permissions: Iterable[str]) -> str:
    """Return the lowest of the house roles that may do all of it: a custom role counts as that."""
    wanted = frozenset(permissions)
    for role, allowed in ROLE_PERMISSIONS.items():
        if wanted <= allowed:
            return role
    raise ValueError("These permissions are not in the permission table.")


def hidden_hints(permissions: frozenset[str]) -> list[str]:
    """Return the kinds of hints that somebody with `permissions` is not to be told of."""
    return [kind for kind, needed in HINT_PERMISSIONS.items() if not needed & permissions]


def requires(permission: str) -> Callable[[View], View]:
    """Let a member with `permission` in; send strangers to log-in, refuse other members."""
    if permission not in ALL_PERMISSIONS:
        raise ValueError(f"{permission!r} is not in the permission table.")

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_login(request)
            if permission not in getattr(request, "permissions", frozenset()):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded.required_permission = permission  # type: ignore[attr-defined]
        return cast("View", guarded)

    return decorate


def public_page(view: View) -> View:
    """Mark a view that anybody may open."""
    view.is_public_page = True  # type: ignore[attr-defined]
    return view


def _to_login(request: HttpRequest) -> HttpResponse:
    target = f"/entrar/?{urlencode({'next': request.get_full_path()})}"
    if request.headers.get("HX-Request"):
        # A fragment request would swap the log-in page into a corner of the old one.
        response = HttpResponse(status=401)
        response["HX-Redirect"] = target
        return response
    if request.method not in {"GET", "HEAD"}:
        return redirect(settings.LOGIN_URL)
    return redirect(target)
