"""Accepting an invitation on the company's host."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from evosense.core.errors import DomainError, NotFound
from evosense.core.schema import current_tenant
from tenancy.forms_front_door import FrontDoorForm, JoinForm, ProveForm, posted
from tenancy.models import Invitation, Membership, User
from tenancy.permissions import public_page
from tenancy.services import invitations, links, login, people
from tenancy.views.entering import complete, enter


@public_page
@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show who invites to what; accept with a new account, a known one, or the present log-in."""
    try:
        row = invitations.read(token, tenant_id=current_tenant().id)
    except DomainError as error:
        return _closed(request, error)
    if isinstance(request.user, User):
        return _for_present(request, row, token, request.user)
    known = people.find_user(row.email)
    if known:
        return _for_known(request, row, token, known)
    return _for_new(request, row, token)


def _for_present(request: HttpRequest, row: Invitation, token: str, user: User) -> HttpResponse:
    """Somebody is logged in: the invited person, or another one who must log out first."""
    if user.email != row.email:
        context = {"row": row, "person": user}
        return render(request, "account/invitation_other.html", context, status=403)
    form = FrontDoorForm(posted(request))
    if request.method == "POST":
        try:
            invitations.accept(token, tenant_id=row.tenant_id, user=user)
        except DomainError as error:
            return _closed(request, error)
        return redirect("/")
    return _page(request, row, form)


def _for_known(request: HttpRequest, row: Invitation, token: str, user: User) -> HttpResponse:
    """The address has an account: its password is asked for, and a second factor after that."""
    form = ProveForm(posted(request))
    if request.method == "POST" and form.is_valid():
        refused = login.check_password(request, user, form.cleaned_data["password"])
        if refused:
            form.add_error("password", refused)
            return _page(request, row, form, known=True)
        try:
            invitations.accept(token, tenant_id=row.tenant_id, user=user)
        except DomainError as error:
            return _closed(request, error)
        return enter(request, user, method="password", target="/")
    return _page(request, row, form, known=True)


def _for_new(request: HttpRequest, row: Invitation, token: str) -> HttpResponse:
    form = JoinForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            membership = invitations.accept(
                token,
                tenant_id=row.tenant_id,
                name=form.cleaned_data["name"],
                password=form.cleaned_data["password"],
            )
        except DomainError as error:
            if error.field is None:
                return _closed(request, error)
            form.refuse(error)
        else:
            return complete(
                request, membership.user, method="invitation", second_factor=False, target="/"
            )
    return _page(request, row, form)


def _page(
    request: HttpRequest, row: Invitation, form: FrontDoorForm, *, known: bool = False
) -> HttpResponse:
    inviter = people.find_by_id(row.invited_by_id)
    context = {
        "row": row,
        "form": form,
        "known": known,
        "company": current_tenant().name,
        "inviter": str(inviter) if inviter else "",
        # Here a stranger gets no letter: only the public host looks at other companies.
        "forgot_url": links.public_url("public:forgot"),
        "role": row.custom_role.name if row.custom_role else Membership.Role(row.role).label,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "account/invitation.html", context, status=status)


def _closed(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Say why this link does not open anything, and what to do about it."""
    gone = error.code.startswith("invitation_")
    status = 404 if isinstance(error, NotFound) else 410 if gone else error.status
    context = {"code": error.code, "message": error.message, "company": current_tenant().name}
    return render(request, "account/invitation_closed.html", context, status=status)
