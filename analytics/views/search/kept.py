"""Keeping searches: save, open, remove."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analytics.search import saved
from analytics.search.parameters import Parameters
from analytics.search.query import read_query
from analytics.views.search.page import show_search
from evosense.core.errors import DomainError, Invalid
from evosense.core.pages import answers_errors, field_errors, user_id
from tenancy.permissions import requires


@requires("conversations.view")
@require_POST
@answers_errors
def search_save(request: HttpRequest) -> HttpResponse:
    """Keep the search of the form under a name; a refused one comes back with the reason."""
    try:
        parameters = Parameters.of(request.POST)
        read_query(parameters.q)
        saved.save_search(
            user_id=user_id(request),
            name=request.POST.get("nome", ""),
            query=parameters.values,
            alert_from=_alert_from(request.POST.get("aviso", "")),
        )
    except DomainError as error:
        return show_search(request, save_errors=field_errors(error), status=422)
    messages.success(request, _("Search saved"))
    return redirect(parameters.address(reverse("analytics:search")))


@requires("conversations.view")
@require_safe
@answers_errors
def search_open(request: HttpRequest, search_id: UUID) -> HttpResponse:
    """Go to the address that a saved search keeps."""
    row = saved.saved_search(search_id, user_id=user_id(request))
    return redirect(Parameters(row.query).address(reverse("analytics:search")))


@requires("conversations.view")
@require_POST
@answers_errors
def search_remove(request: HttpRequest, search_id: UUID) -> HttpResponse:
    """Forget a saved search."""
    saved.remove_search(search_id, user_id=user_id(request))
    messages.success(request, _("Saved search removed"))
    return redirect("analytics:search")


def _alert_from(raw: str) -> int | None:
    raw = raw.strip()
    if not raw:
        return None
    if not (raw.isascii() and raw.isdigit()):
        raise Invalid("invalid", _("Choose a number from 0 to 10,000."), field="alert_from")
    return int(raw[:9])
