"""Connecting a number: on a new instance, on one that a server has already, or by hand."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from evosense.core.errors import DomainError
from messaging.gateway.servers import ServerView, servers_for_tenant
from messaging.services import lifecycle
from messaging.views.common import answers_errors, parse_uuid
from messaging.views.connections_forms import AdoptForm, NewInstanceForm
from tenancy.permissions import requires


@requires("connections.manage")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def connection_new(request: HttpRequest) -> HttpResponse:
    """Make an instance for a number and go on to its code."""
    if request.method != "POST":
        return _page(request, NewInstanceForm())
    form = NewInstanceForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        made = lifecycle.create_instance(
            name=form.cleaned_data["name"],
            server_id=form.cleaned_data["server"],
            number=form.cleaned_data["number"],
        )
    except DomainError as error:
        form.refuse(error)
        return _page(request, form, status=422)
    return _to_code(request, made.public_id)


@requires("connections.manage")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def connection_adopt(request: HttpRequest) -> HttpResponse:
    """Take an instance over that one of the company's own servers has already."""
    own = [one for one in servers_for_tenant() if one.is_own and one.is_active and one.has_key]
    chosen = parse_uuid(request.GET.get("servidor", ""), "servidor")
    server = next((one for one in own if one.id == chosen), own[0] if own else None)
    if request.method != "POST":
        return _adopt_page(request, own, server, AdoptForm())
    form = AdoptForm(request.POST)
    if form.is_valid():
        try:
            made = lifecycle.adopt_instance(
                server_id=form.cleaned_data["server"],
                instance_name=form.cleaned_data["instance"],
                name=form.cleaned_data["name"],
                number=form.cleaned_data["number"],
                take_over=form.cleaned_data["take_over"],
            )
        except DomainError as error:
            form.refuse(error)
        else:
            return redirect("messaging:connection-pair", made.public_id)
    return _adopt_page(request, own, server, form, status=422)


def _to_code(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask for the first code, which the person pressed a button for; the page says how it went."""
    try:
        lifecycle.start_pairing(connection_id)
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("messaging:connection-pair", connection_id)


def _page(request: HttpRequest, form: NewInstanceForm, status: int = 200) -> HttpResponse:
    usable = [one for one in servers_for_tenant() if one.is_active and one.has_key]
    context = {
        "form": form,
        "servers": usable,
        "chosen": str(form["server"].value() or (usable[0].id if usable else "")),
        "ways": ways("new"),
    }
    return render(request, "messaging/connection_new.html", context, status=status)


def _adopt_page(
    request: HttpRequest,
    own: list[ServerView],
    server: ServerView | None,
    form: AdoptForm,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "servers": own,
        "server": server,
        "ways": ways("adopt"),
        "instances": [],
        "links": [
            {
                "url": f"{reverse('messaging:connection-adopt')}?servidor={one.id}",
                "label": one.name,
                "is_current": one is server,
            }
            for one in own
        ],
    }
    if server:
        try:
            context["instances"] = lifecycle.foreign_instances(server.id)
        except DomainError as error:
            context["problem"] = error.message
    context["has_free"] = any(
        not (one.is_taken or one.connection_id) for one in context["instances"]
    )
    return render(request, "messaging/connection_adopt.html", context, status=status)


def ways(current: str) -> list[dict[str, Any]]:
    """Return the three ways to connect a number, as links."""
    names = [
        ("new", _("New instance")),
        ("adopt", _("Existing instance")),
        ("create", _("By hand")),
    ]
    return [
        {
            "url": reverse(f"messaging:connection-{name}"),
            "label": label,
            "is_current": name == current,
        }
        for name, label in names
    ]
