"""The Evolution servers that a company may use: its own are added, tested, changed, removed."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evosense.core.errors import DomainError, NotFound
from messaging.gateway import servers
from messaging.gateway.capabilities import Capabilities
from messaging.gateway.probes import probe_server
from messaging.gateway.servers import ServerView
from messaging.selectors import connections as read
from messaging.selectors.health_words import cause_words
from messaging.views.common import answers_errors, do_and_say
from messaging.views.connections_forms import ServerForm
from tenancy.permissions import requires
from tenancy.recent import recently_authenticated


@requires("connections.manage")
@require_safe
@answers_errors
def server_list(request: HttpRequest) -> HttpResponse:
    """Show the company's own servers and the house's, with what the last test found."""
    used: dict[UUID, int] = {}
    for view in read.connection_list():
        if view.server_id:
            used[view.server_id] = used.get(view.server_id, 0) + 1
    rows = [
        {"server": one, "used": used.get(one.id, 0), **_outcome(one)}
        for one in servers.servers_for_tenant()
    ]
    return render(request, "messaging/server_list.html", {"rows": rows})


@requires("connections.manage")
@recently_authenticated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def server_create(request: HttpRequest) -> HttpResponse:
    """Add a server and test it at once."""
    if request.method != "POST":
        return _form_page(request, ServerForm())
    form = ServerForm(request.POST)
    if form.is_valid():
        try:
            made = servers.create_server(**form.cleaned_data)
        except DomainError as error:
            form.refuse(error)
        else:
            _test(request, made.pk)
            return redirect("messaging:server-list")
    return _form_page(request, form, status=422)


@requires("connections.manage")
@recently_authenticated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def server_edit(request: HttpRequest, server_id: UUID) -> HttpResponse:
    """Change a server of one's own; an empty key keeps the one that is stored."""
    server = _own(server_id)
    if request.method != "POST":
        initial = {"name": server.name, "url": server.url}
        return _form_page(request, ServerForm(initial=initial), server=server)
    form = ServerForm(request.POST)
    if form.is_valid():
        try:
            servers.update_server(server_id, **form.cleaned_data)
        except DomainError as error:
            form.refuse(error)
        else:
            _test(request, server_id)
            return redirect("messaging:server-list")
    return _form_page(request, form, server=server, status=422)


@requires("connections.manage")
@require_POST
@answers_errors
def server_test(request: HttpRequest, server_id: UUID) -> HttpResponse:
    """Ask a server who it is and say what it answered."""
    servers.server_view(server_id)
    _test(request, server_id)
    return redirect("messaging:server-list")


@requires("connections.manage")
@require_POST
@answers_errors
def server_remove(request: HttpRequest, server_id: UUID) -> HttpResponse:
    """Forget a server of one's own; one that connections use is kept, and that is said."""
    name = _own(server_id).name
    done = _("The server %(name)s was removed") % {"name": name}
    do_and_say(request, lambda: servers.remove_server(server_id), done)
    return redirect("messaging:server-list")


def _own(server_id: UUID) -> ServerView:
    view = servers.server_view(server_id)
    if not view.is_own:
        raise NotFound("not_found", _("There is no such server."))
    return view


def _test(request: HttpRequest, server_id: UUID) -> None:
    found = probe_server(server_id)
    if found.problem:
        messages.error(request, cause_words(found.problem))
    else:
        words = _("The server answers: Evolution API %(version)s") % {"version": found.version}
        messages.success(request, words)


def _outcome(server: ServerView) -> dict[str, Any]:
    """Return the tone and the words of the last test."""
    if not server.is_active:
        return {"tone": "", "label": _("Switched off"), "words": ""}
    if server.problem:
        return {"tone": "bad", "label": _("Problem"), "words": cause_words(server.problem)}
    if server.is_resting:
        return {"tone": "warn", "label": _("Given a rest"), "words": cause_words("server_down")}
    if not server.version:
        return {"tone": "", "label": _("Not tested yet"), "words": ""}
    if not Capabilities(server.version).is_supported_for_sending:
        words = cause_words("unsupported_version")
        return {"tone": "warn", "label": _("Events only"), "words": words}
    return {"tone": "ok", "label": _("Answering"), "words": ""}


def _form_page(
    request: HttpRequest, form: ServerForm, *, server: ServerView | None = None, status: int = 200
) -> HttpResponse:
    context = {"form": form, "server": server}
    return render(request, "messaging/server_form.html", context, status=status)
