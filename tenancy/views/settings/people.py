"""People: who is here, who is invited, who left; and one person's role."""

import re
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evosense.core.errors import DomainError, NotFound
from evosense.core.htmx import redirect_client, render_page, wants_fragment
from evosense.core.pages import answers_errors, field_errors, may, user_id
from evosense.core.schema import current_tenant
from tenancy.audit_values import value_words
from tenancy.permissions import requires
from tenancy.recent import recently_authenticated
from tenancy.selectors import people as read
from tenancy.selectors.tenants import plan_label
from tenancy.services import invitations, members, roles
from tenancy.services.seats import seats_of
from tenancy.views.settings.common import allowed, settings_page, tenant_id

TABS = ("ativas", "convites", "desativadas")
MOST_AT_ONCE = 20
_SEPARATORS = re.compile(r"[\s,;]+")


@requires("members.view")
@require_safe
@answers_errors
def people(request: HttpRequest) -> HttpResponse:
    """Show one tab of the people; htmx asks for the rows only."""
    tab = request.GET.get("aba", "")
    tab = tab if tab in TABS else TABS[0]
    context = _list_context(request, tab)
    if wants_fragment(request) and request.htmx.target == "people":  # type: ignore[attr-defined]
        return render_page(request, "settings/people_rows.html", context)
    context |= _frame_context(request, tab)
    return settings_page(request, "settings/people.html", context, areas=("member", "invitation"))


@requires("members.manage")
@never_cache
@require_http_methods(["GET", "POST"])
@answers_errors
def people_invite(request: HttpRequest) -> HttpResponse:
    """Invite several addresses at once; those that were refused stay in the form with reasons."""
    if request.method == "POST":
        raw = request.POST.get("emails", "")[:5000]
        role = request.POST.get("role", "")
        sent, refused = _invite_all(_addresses(raw), role)
        invited = _("Invited: %(who)s.") % {"who": ", ".join(sent)} if sent else ""
        if refused:
            return _invite_page(request, refused, role, invited=invited, status=422)
        messages.success(request, invited)
        return redirect_client(request, f"{reverse('settings:people')}?aba=convites")
    return _invite_page(request, {}, "agent")


@requires("members.manage")
@require_POST
@answers_errors
def people_resend(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Send an invitation again with a new link."""
    return _invitation_act(request, lambda: _resend(request, invitation_id))


@requires("members.manage")
@require_POST
@answers_errors
def people_revoke(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Take an invitation back."""
    return _invitation_act(request, lambda: _revoke(request, invitation_id))


@requires("members.view")
@never_cache
@require_http_methods(["GET", "POST"])
@answers_errors
def people_person(request: HttpRequest, member_id: int) -> HttpResponse:
    """Show one person; a POST changes the role."""
    person = read.person_of(tenant_id(), member_id)
    if request.method == "POST":
        if not may(request, "members.manage"):
            return _person_page(request, person, {"form": _("Your role cannot change this.")}, 403)
        try:
            members.change_role(
                tenant_id=tenant_id(), member_id=member_id, role=request.POST.get("role", "")
            )
        except NotFound:
            raise
        except DomainError as error:
            return _person_page(request, person, field_errors(error), 422)
        messages.success(request, _("The role of %(name)s is changed.") % {"name": person.name})
        return redirect_client(request, reverse("settings:people"))
    return _person_page(request, person, {})


@requires("workspace.delete")
@require_POST
@answers_errors
def people_transfer(request: HttpRequest, member_id: int) -> HttpResponse:
    """Hand the ownership to somebody; asks who acts to prove themselves first."""
    person = read.person_of(tenant_id(), member_id)
    return _transfer(request, person)


@recently_authenticated
def _transfer(request: HttpRequest, person: read.Person) -> HttpResponse:
    try:
        members.transfer_ownership(tenant_id=tenant_id(), member_id=person.id)
    except DomainError as error:
        return _person_page(request, person, {"owner": error.message}, 422)
    messages.success(request, _("%(name)s is the owner now.") % {"name": person.name})
    return redirect_client(request, reverse("settings:people"))


def _list_context(request: HttpRequest, tab: str) -> dict[str, Any]:
    q = request.GET.get("q", "")[:100]
    context: dict[str, Any] = {
        "tab": tab,
        "q": q,
        "me": user_id(request),
        "may_manage": may(request, "members.manage"),
    }
    if tab == "convites":
        found = invitations.open_invitations(tenant_id())
        context["invitations"] = [
            (one, one.custom_role or value_words(one.role, "role"))
            for one in found
            if q.casefold() in one.email
        ]
        return context
    page = read.people_page(
        tenant_id(), is_active=tab == "ativas", q=q, cursor=request.GET.get("cursor", "")
    )
    following = {"aba": tab, "q": q, "cursor": page.next or ""}
    context |= {"people": page.rows, "is_later": bool(request.GET.get("cursor"))}
    context["next_url"] = f"?{urlencode(following)}" if page.next else ""
    return context


def _frame_context(request: HttpRequest, tab: str) -> dict[str, Any]:
    counts = read.people_counts(tenant_id())
    labels = (
        (TABS[0], pgettext("people", "Active"), counts.active),
        (TABS[1], _("Invitations"), counts.invited),
        (TABS[2], pgettext("people", "Deactivated"), counts.inactive),
    )
    return {
        "links": [
            {"url": f"?aba={key}", "label": f"{label} {count}", "is_current": key == tab}
            for key, label, count in labels
        ],
        "seats": seats_of(tenant_id()),
        "plan": plan_label(tenant_id()),
        "choices": _choices(request),
        "role": "agent",
    }


def _choices(request: HttpRequest) -> list[tuple[str, str]]:
    found = read.role_choices(tenant_id(), within=allowed(request))
    return [(one.value, one.label) for one in found]


def _addresses(raw: str) -> list[str]:
    found = (part.strip("<>").lower() for part in _SEPARATORS.split(raw) if part.strip("<>"))
    return list(dict.fromkeys(found))


def _invite_all(addresses: list[str], role: str) -> tuple[list[str], dict[str, Any]]:
    """Return who was invited and, for the others, address → reason."""
    if not addresses:
        return [], {"": _("Write at least one e-mail address.")}
    if len(addresses) > MOST_AT_ONCE:
        return [], {"": _("Invite at most %(n)d people at once.") % {"n": MOST_AT_ONCE}}
    sent, refused = [], {}
    for address in addresses:
        try:
            chosen = roles.choose(tenant_id(), role)
            invitations.invite(tenant_id(), address, chosen.role, chosen.custom_role)
            sent.append(address)
        except DomainError as error:
            refused[address] = error.message
    return sent, refused


def _invite_page(
    request: HttpRequest,
    refused: dict[str, Any],
    role: str,
    *,
    invited: str = "",
    status: int = 200,
) -> HttpResponse:
    kept = request.POST.get("emails", "") if "" in refused else "\n".join(refused)
    context = {
        "emails": kept,
        "refused": refused,
        "invited": invited,
        "choices": _choices(request),
        "role": role,
        "seats": seats_of(tenant_id()),
        "company": current_tenant().name,
    }
    return render_page(
        request, "settings/people_invite.html", context, partial="invite", status=status
    )


def _invitation_act(request: HttpRequest, act: Any) -> HttpResponse:
    try:
        act()
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, str(error.message))
    return redirect_client(request, f"{reverse('settings:people')}?aba=convites")


def _resend(request: HttpRequest, invitation_id: UUID) -> None:
    invitation = invitations.resend(tenant_id(), invitation_id)
    text = _("The invitation went to %(email)s again.") % {"email": invitation.email}
    messages.success(request, text)


def _revoke(request: HttpRequest, invitation_id: UUID) -> None:
    invitations.revoke(tenant_id(), invitation_id)
    messages.success(request, _("The invitation is taken back. Its link opens nothing any more."))


def _person_page(
    request: HttpRequest, person: read.Person, errors: dict[str, Any], status: int = 200
) -> HttpResponse:
    context = {
        "person": person,
        "errors": errors,
        "choices": _choices(request),
        "chosen": request.POST.get("role", person.role),
        "is_me": person.user_id == user_id(request),
        "may_manage": may(request, "members.manage"),
        "may_transfer": may(request, "workspace.delete"),
        "role_is_beyond": person.role not in dict(_choices(request)),
    }
    return settings_page(
        request, "settings/people_person.html", context, areas=("member",), status=status
    )
