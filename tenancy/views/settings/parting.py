"""Deactivating somebody, with what they leave behind; and letting them come back."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from evosense.core.errors import DomainError, NotFound
from evosense.core.handover import estates_of
from evosense.core.htmx import redirect_client
from evosense.core.pages import answers_errors, user_id
from tenancy.permissions import requires
from tenancy.selectors import people as read
from tenancy.services import members
from tenancy.views.settings.common import settings_page, tenant_id

NOBODY = "ninguem"


@requires("members.manage")
@never_cache
@require_http_methods(["GET", "POST"])
@answers_errors
def people_deactivate(request: HttpRequest, member_id: int) -> HttpResponse:
    """Show what the person holds and where it can go; a POST ends the access."""
    person = read.person_of(tenant_id(), member_id)
    if request.method == "POST":
        try:
            members.deactivate(
                tenant_id=tenant_id(), member_id=member_id, parting=_parting(request, person)
            )
        except NotFound:
            raise
        except DomainError as error:
            return _page(request, person, error.message, status=422)
        messages.success(request, _("%(name)s has no access any more.") % {"name": person.name})
        return redirect_client(request, reverse("settings:people"))
    return _page(request, person, "")


@requires("members.manage")
@require_POST
@answers_errors
def people_reactivate(request: HttpRequest, member_id: int) -> HttpResponse:
    """Let the person in again when a seat is free."""
    person = read.person_of(tenant_id(), member_id)
    try:
        members.reactivate(tenant_id=tenant_id(), member_id=member_id)
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, str(error.message))
        return redirect_client(request, f"{reverse('settings:people')}?aba=desativadas")
    messages.success(request, _("%(name)s can log in again.") % {"name": person.name})
    return redirect_client(request, reverse("settings:people"))


def _parting(request: HttpRequest, person: read.Person) -> members.Parting:
    heirs = {
        estate.name: _heir(request.POST.get(f"heir-{estate.name}", NOBODY))
        for estate in estates_of(person.user_id)
    }
    keeps = request.POST.get("keys") == "move"
    return members.Parting(heirs, user_id(request) if keeps else None)


def _heir(raw: str) -> int | None:
    """Return the heir's user id; 0, which nobody has, for what is not a number."""
    if raw == NOBODY:
        return None
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else 0


def _page(request: HttpRequest, person: read.Person, error: Any, status: int = 200) -> HttpResponse:
    heirs = read.active_people(tenant_id(), without_user_id=person.user_id)
    context = {
        "person": person,
        "error": error,
        "estates": [(one, [(NOBODY, one.otherwise), *heirs]) for one in estates_of(person.user_id)],
        "keys": members.personal_keys(tenant_id=tenant_id(), user_id=person.user_id),
        "is_me": person.user_id == user_id(request),
    }
    return settings_page(
        request, "settings/people_deactivate.html", context, areas=("member",), status=status
    )
