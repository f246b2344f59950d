"""The connection pages: list, one connection, making one by hand, its token, a test event."""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evosense.core.errors import DomainError
from evosense.core.htmx import wants_fragment
from messaging.forms import ConnectionForm, ConnectionNameForm
from messaging.models import Connection
from messaging.selectors import connections as read
from messaging.selectors import raw_events, volume
from messaging.selectors.connections import ConnectionView
from messaging.selectors.uptime import tone_of, uptime_by_connection
from messaging.services import connections as services
from messaging.services.connections import NewConnection, webhook_url
from messaging.views.common import answers_errors, fragment_target, may, render_region, sees_numbers
from messaging.views.once import first_time, new_form_token
from tenancy.permissions import requires

TOKEN_HEADER = "X-EvoSense-Token"  # noqa: S105  (a header's name)
DAY = timedelta(hours=24)
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


@dataclass(frozen=True)
class ConnectionRow:
    """One connection with its last day."""

    view: ConnectionView
    tone: str
    uptime: list[str]
    traffic: list[int]
    received: int
    sent: int
    mark: int


@requires("connections.view")
@require_safe
@answers_errors
def connection_list(request: HttpRequest) -> HttpResponse:
    """List the connections with state, traffic and what waits."""
    rows = _rows(read.connection_list())
    context = {
        "rows": rows,
        "connected": sum(row.tone == "ok" for row in rows),
        "troubled": [row for row in rows if row.tone == "bad" or row.view.events.dead],
        "sees_numbers": sees_numbers(request),
        "may_manage": may(request, "connections.manage"),
    }
    template = "connection_rows" if fragment_target(request) else "connection_list"
    return render_region(request, f"messaging/{template}.html", context)


@requires("connections.view")
@require_safe
@answers_errors
def connection_detail(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Show one connection: how it is, how it was, where its events go."""
    context = _detail_context(request, connection_id)
    template = "connection_state" if fragment_target(request) else "connection_detail"
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
@require_POST
@answers_errors
def connection_edit(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Rename a connection, or stop and start taking its events."""
    if "is_active" in request.POST:
        wanted = request.POST["is_active"] == "1"
        services.set_active(connection_id, is_active=wanted)
        messages.success(
            request, _("Events are taken again") if wanted else _("Events are refused")
        )
        return redirect("messaging:connection-detail", connection_id)
    form = ConnectionNameForm(request.POST)
    if form.is_valid():
        try:
            services.rename_connection(connection_id, name=form.cleaned_data["name"])
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, _("Name saved"))
            return redirect("messaging:connection-detail", connection_id)
    context = {**_detail_context(request, connection_id), "form": form}
    return render(request, "messaging/connection_detail.html", context, status=422)


@requires("connections.manage")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def connection_rotate(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask, then make a new token. A repeated form must not push the old one out unseen."""
    view = read.connection_view(connection_id)
    if request.method != "POST":
        context = {"connection": view, "form_token": new_form_token()}
        return render(request, "messaging/connection_rotate.html", context)
    if not first_time(request):
        messages.info(request, _("This was already done. Make another token to see one."))
        return redirect("messaging:connection-detail", connection_id)
    return _secret_page(request, services.rotate_token(connection_id), is_new=False)


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


def _rows(views: list[ConnectionView]) -> list[ConnectionRow]:
    now = timezone.now()
    tones = uptime_by_connection([view.pk for view in views], now=now)
    traffic = _traffic(now)
    return [_row(view, tones[view.pk], traffic[view.pk], now) for view in views]


def _row(
    view: ConnectionView, tones: list[str], counts: dict[tuple[datetime, str], int], now: datetime
) -> ConnectionRow:
    hours = sorted({_hour(now - timedelta(hours=back)) for back in range(24)})
    per_hour = [
        sum(count for (hour, _direction), count in counts.items() if hour == wanted)
        for wanted in hours
    ]
    return ConnectionRow(
        view=view,
        tone=tone_of(view.state),
        uptime=tones,
        traffic=per_hour,
        received=sum(count for (_h, way), count in counts.items() if way == "inbound"),
        sent=sum(count for (_h, way), count in counts.items() if way == "outbound"),
        mark=(view.color - 1) % 4 + 1,
    )


def _traffic(now: datetime) -> dict[int, dict[tuple[datetime, str], int]]:
    """Return the counts of the last 24 hours by connection, UTC hour and direction."""
    found: dict[int, dict[tuple[datetime, str], int]] = defaultdict(dict)
    for row in volume.counts_per_hour(start=now - DAY, end=now):
        found[row.connection_id][_hour(row.hour), row.direction] = row.count
    return found


def _hour(moment: datetime) -> datetime:
    return timezone.localtime(moment).replace(minute=0, second=0, microsecond=0)


def _detail_context(request: HttpRequest, connection_id: UUID) -> dict[str, Any]:
    detail = read.connection_detail(connection_id)
    view = detail.view
    return {
        "connection": view,
        "row": _rows([view])[0],
        "history": [
            {
                "at": one.at,
                "tone": tone_of(one.state),
                "title": _state_label(one.state),
                "text": one.detail or (_("code %(code)s") % {"code": one.code} if one.code else ""),
            }
            for one in detail.history
        ],
        "form": ConnectionNameForm(initial={"name": view.name}),
        "webhook_url": webhook_url(view.id),
        "token_header": TOKEN_HEADER,
        "sees_numbers": sees_numbers(request),
        "may_manage": may(request, "connections.manage"),
        "may_see_events": may(request, "events.view"),
    }


def _state_label(state: str) -> str:
    return str(Connection.State(state).label) if state in Connection.State.values else state


def _create_page(request: HttpRequest, form: ConnectionForm, status: int = 200) -> HttpResponse:
    return render(request, "messaging/connection_create.html", {"form": form}, status=status)


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
