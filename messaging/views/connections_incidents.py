"""Incidents of all connections, and the note that somebody is on one."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from messaging.selectors import connections as read
from messaging.selectors.incidents import incident_page, incident_view
from messaging.services import health
from messaging.views.common import answers_errors, fragment_target, may, parse_uuid, render_region
from tenancy.permissions import requires


@requires("connections.view")
@require_safe
@answers_errors
def incident_list(request: HttpRequest) -> HttpResponse:
    """Show what went wrong, the newest first; `abertos=1` shows what lasts."""
    open_only = request.GET.get("abertos") == "1"
    connection = parse_uuid(request.GET.get("conexao", ""), "conexao")
    page = incident_page(
        connection=connection, open_only=open_only, cursor=request.GET.get("cursor") or None
    )
    here = {"conexao": str(connection)} if connection else {}
    context = {
        "incidents": page.rows,
        "connection": read.connection_view(connection) if connection else None,
        "links": _links(here, open_only=open_only),
        "own_url": _address({**here, **({"abertos": "1"} if open_only else {})}),
        "next_url": _address(_next(here, page.next, open_only=open_only)) if page.next else "",
        "is_continued": bool(request.GET.get("cursor")),
        "open_only": open_only,
        "may_manage": may(request, "connections.manage"),
    }
    template = "incident_rows" if fragment_target(request) else "incident_list"
    return render_region(request, f"messaging/{template}.html", context)


@requires("connections.manage")
@require_POST
@answers_errors
def incident_seen(request: HttpRequest, incident_id: UUID) -> HttpResponse:
    """Note that this person is on it, so that the others need not be."""
    connection_id = incident_view(incident_id).connection_id
    health.acknowledge(incident_id)
    messages.success(request, _("The others see that you are on it"))
    back = request.POST.get("back")
    if back == "list":
        return redirect("messaging:connection-list")
    if back == "incidents":
        return redirect("messaging:incident-list")
    return redirect("messaging:connection-detail", connection_id)


def _links(here: dict[str, str], *, open_only: bool) -> list[dict[str, object]]:
    return [
        {"url": _address(here), "label": _("All"), "is_current": not open_only},
        {
            "url": _address({**here, "abertos": "1"}),
            "label": _("Open now"),
            "is_current": open_only,
        },
    ]


def _next(here: dict[str, str], cursor: str | None, *, open_only: bool) -> dict[str, str]:
    return {**here, **({"abertos": "1"} if open_only else {}), "cursor": cursor or ""}


def _address(query: dict[str, str]) -> str:
    own = reverse("messaging:incident-list")
    return f"{own}?{urlencode(query)}" if query else own
