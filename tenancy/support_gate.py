"""The gate for an operator inside a company: the grant is read on every request.

Support looks with a viewer's eyes, or works with an administrator's hands where the grant says so,
and never at what would outlast the visit: accounts, second factors, keys, people, exports.
"""

from collections.abc import Callable

from django.contrib.auth import logout as end_session
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from evosense.core.actor import acting
from evosense.core.client_address import client_address
from evosense.core.schema import TenantRef
from tenancy.models import Membership, SupportGrant, User
from tenancy.permissions import ROLE_PERMISSIONS
from tenancy.services import audit, support

SESSION_KEY = "support_grant"
ENTRY = "/suporte/entrar/"
EXIT = "/suporte/encerrar/"
# How long a visit lasts is the grant's business; the browser forgets it with its window.
SESSION_ENDS_WITH_BROWSER = 0
NEVER = frozenset(
    {
        "keys.manage",
        "webhooks.manage",
        "members.manage",
        "audit.export",
        "billing.manage",
        "workspace.delete",
    }
)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
# The operator's own account is changed on the operators' site, not on a customer's.
_CLOSED = ("/conta/", "/convite/", "/entrar/", "/ajustes/dados/")
_OPEN = frozenset({"/conta/eventos/", "/conta/preferencias/", "/conta/empresas/"})
_MAY_POST = frozenset({EXIT, "/sair/", "/conta/preferencias/"})

GetResponse = Callable[[HttpRequest], HttpResponse]


def is_visit(request: HttpRequest) -> bool:
    """Tell whether this session is an operator's visit."""
    return SESSION_KEY in request.session and request.path != ENTRY


def serve(request: HttpRequest, tenant: TenantRef, get_response: GetResponse) -> HttpResponse:
    """Answer a request of a visit, or end the visit when its grant is over."""
    user = request.user
    grant = _grant(request, tenant)
    if grant is None or not isinstance(user, User):
        return _end(request)
    _dress(request, grant, user)
    actor = support.actor_for(
        user, address=client_address(request), request_id=getattr(request, "request_id", "")
    )
    with acting(actor):
        _check(request, grant)
        response = get_response(request)
        if request.method not in _READING and response.status_code < 400:
            _note(request)
    return response


def permissions_for(grant: SupportGrant) -> frozenset[str]:
    """Return what a visit may do."""
    role = Membership.Role.ADMIN if grant.may_write else Membership.Role.VIEWER
    return ROLE_PERMISSIONS[role] - NEVER


def _grant(request: HttpRequest, tenant: TenantRef) -> SupportGrant | None:
    user = request.user
    if not (isinstance(user, User) and user.is_active and user.is_staff):
        return None
    key = str(request.session[SESSION_KEY])
    return support.live_grant(key, tenant_id=tenant.id, operator_id=user.pk)


def _dress(request: HttpRequest, grant: SupportGrant, user: User) -> None:
    """Give the request what pages read of a member; the membership is never stored."""
    role = Membership.Role.ADMIN if grant.may_write else Membership.Role.VIEWER
    request.support = grant  # type: ignore[attr-defined]
    request.membership = Membership(  # type: ignore[attr-defined]
        tenant_id=grant.tenant_id, user=user, role=role
    )
    request.permissions = permissions_for(grant)  # type: ignore[attr-defined]


def _check(request: HttpRequest, grant: SupportGrant) -> None:
    if request.path.startswith(_CLOSED) and request.path not in _OPEN:
        raise PermissionDenied
    writes = request.method not in _READING and request.path not in _MAY_POST
    if writes and not grant.may_write:
        raise PermissionDenied


def _note(request: HttpRequest) -> None:
    """Write down that support changed something, beside what the act itself writes."""
    match = request.resolver_match
    with transaction.atomic():
        audit.record(
            "support.acted",
            object_type="page",
            object_label=match.view_name if match else request.path,
            changes={"request": ["", f"{request.method} {request.path}"[:300]]},
        )


def _end(request: HttpRequest) -> HttpResponse:
    end_session(request)
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=401)
        response["HX-Redirect"] = "/entrar/"
        return response
    return redirect("/entrar/")
