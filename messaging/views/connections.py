"""The list of connections; making one by hand, its token, a test event."""

import json
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from evosense.core.errors import DomainError
from evosense.core.htmx import wants_fragment
from messaging.forms import ConnectionForm
from messaging.selectors import connections as read
from messaging.selectors import raw_events
from messaging.selectors.incidents import IncidentView, open_incidents
from messaging.services import connections as services
from messaging.services import lifecycle
from messaging.services.connections import NewConnection
from messaging.views.common import answers_errors, fragment_target, may, render_region, sees_numbers
from messaging.views.connections_new import ways
from messaging.views.connections_rows import connection_rows
from messaging.views.connections_settings import TOKEN_HEADER
from messaging.views.once import first_time, new_form_token
from tenancy.permissions import requires
from tenancy.recent import recently_authenticated

# What Evolution should send; presence and whole chat lists would only cost both sides work.
EVENTS = (
    "QRCODE_UPDATED",
    "CONNECTION_UPDATE",
    "LOGOUT_INSTANCE",
    "REMOVE_INSTANCE",
    "MESSAGES_SET",
    "MESSAGES_UPSERT",
    "MESSAGES_UPDATE",
    "MESSAGES_EDITED",
    "MESSAGES_DELETE",
    "SEND_MESSAGE",
    "SEND_MESSAGE_UPDATE",
    "CONTACTS_UPSERT",
    "CONTACTS_UPDATE",
    "GROUPS_UPSERT",
    "GROUP_PARTICIPANTS_UPDATE",
    "LABELS_EDIT",
    "LABELS_ASSOCIATION",
    "CALL",
)
# A banner for each; the rest is a link.
SHOWN_INCIDENTS = 3
# Incidents that end when somebody reads a code.
NEEDS_PAIRING = frozenset({"logged_out", "wrong_number"})


@requires("connections.view")
@require_safe
@answers_errors
def connection_list(request: HttpRequest) -> HttpResponse:
    """List the connections with state, traffic and what waits."""
    rows = connection_rows(read.connection_list())
    incidents = _groups(open_incidents())
    context = {
        "rows": rows,
        "connected": sum(row.tone == "ok" for row in rows),
        "troubled": [row for row in rows if row.is_troubled],
        "incidents": incidents[:SHOWN_INCIDENTS],
        "incidents_more": max(0, len(incidents) - SHOWN_INCIDENTS),
        "needs_pairing": NEEDS_PAIRING,
        "sees_numbers": sees_numbers(request),
        "may_manage": may(request, "connections.manage"),
    }
    template = "connection_rows" if fragment_target(request) else "connection_list"
    return render_region(request, f"messaging/{template}.html", context)


@requires("connections.manage")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def connection_create(request: HttpRequest) -> HttpResponse:
    """Make a connection by hand; the answer is the only place that ever shows its token."""
    if request.method != "POST":
        return _create_page(request, ConnectionForm())
    form = ConnectionForm(request.POST)
    if form.is_valid():
        try:
            services.check_server(form.cleaned_data["server_url"])
            made = services.create_connection(**form.values())
        except DomainError as error:
            form.refuse(error)
        else:
            return _secret_page(request, made, is_new=True, status=201)
    return _create_page(request, form, status=422)


@requires("connections.manage")
@recently_authenticated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def connection_rotate(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask, then make a new token. A repeated form must not push the old one out unseen.

    On an instance of ours it is set on the server too, so nobody has to see it.
    """
    view = read.living_view(connection_id)
    if request.method != "POST":
        context = {"connection": view, "form_token": new_form_token()}
        return render(request, "messaging/connection_rotate.html", context)
    if not first_time(request):
        messages.info(request, _("This was already done. Make another token to see one."))
        return redirect("messaging:connection-detail", connection_id)
    if not view.is_managed:
        return _secret_page(request, services.rotate_token(connection_id), is_new=False)
    try:
        lifecycle.rotate_webhook(connection_id)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The server uses a new token now"))
    return redirect("messaging:connection-edit", connection_id)


@requires("connections.manage")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def connection_test(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Write a test event, or tell what became of one."""
    if request.method == "POST":
        event_id = services.send_test_event(connection_id)
        if not wants_fragment(request):
            return redirect("messaging:raw-event-detail", connection_id, event_id)
    else:
        event_id = request.GET.get("evento", "")
    event = raw_events.raw_event(connection_id, event_id).row
    context = {"event": event, "connection_id": connection_id}
    return render(request, "messaging/connection_test.html", context)


@requires("connections.view")
@require_safe
@answers_errors
def connection_first(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Tell whether Evolution has reached us yet; a fragment only."""
    context = {"connection": read.connection_view(connection_id)}
    return render_region(request, "messaging/connection_first.html", context)


@dataclass(frozen=True, slots=True)
class _Group:
    """Incidents of one kind and cause: a server that takes ten numbers down is one sentence."""

    first: IncidentView
    rest: list[IncidentView]

    @property
    def more(self) -> bool:
        return bool(self.rest)

    @property
    def count(self) -> int:
        return len(self.rest) + 1

    @property
    def names(self) -> str:
        return ", ".join(one.connection_name for one in (self.first, *self.rest))


def _groups(found: list[IncidentView]) -> list[_Group]:
    groups: dict[tuple[str, str], _Group] = {}
    for one in found:
        group = groups.setdefault((one.kind, one.code), _Group(one, []))
        if group.first is not one:
            group.rest.append(one)
    return list(groups.values())


def _create_page(request: HttpRequest, form: ConnectionForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "ways": ways("create")}
    return render(request, "messaging/connection_create.html", context, status=status)


def _secret_page(
    request: HttpRequest, made: NewConnection, *, is_new: bool, status: int = 200
) -> HttpResponse:
    body = {
        "webhook": {
            "enabled": True,
            "url": made.webhook_url,
            "headers": {TOKEN_HEADER: made.token},
            "byEvents": False,
            "base64": False,
            "events": list(EVENTS),
        }
    }
    server = made.connection.server_url or "https://evolution.example.com"
    context = {
        "connection": read.connection_view(made.connection.public_id),
        "webhook_url": made.webhook_url,
        "token": made.token,
        "token_header": TOKEN_HEADER,
        "body": json.dumps(body, indent=2),
        "set_url": f"{server}/webhook/set/{made.connection.instance}",
        "is_new": is_new,
        "test_url": reverse("messaging:connection-test", args=[made.connection.public_id]),
    }
    return render(request, "messaging/connection_secret.html", context, status=status)
