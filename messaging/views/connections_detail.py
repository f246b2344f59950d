"""One connection: how it is and was, what went wrong, and what was found again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from evosense.core.errors import DomainError, NotFound
from messaging.gateway import servers
from messaging.selectors import connections as read
from messaging.selectors.connections import ConnectionView
from messaging.selectors.health import Slot, StateSpan, health_view, states_timeline
from messaging.selectors.incidents import incident_page, repairs_of
from messaging.selectors.standing import HEALTH_TONES
from messaging.services import gaps
from messaging.views.common import answers_errors, fragment_target, may, render_region, sees_numbers
from messaging.views.connections_forms import RepairForm
from messaging.views.connections_rows import acts_of, connection_row
from tenancy.permissions import requires

WEEK = timedelta(days=7)
SHOWN_INCIDENTS = 5
SHOWN_STATES = 12
_GRAVITY = {"": 0, "ok": 1, "warn": 2, "bad": 3}
# status of a signal → tone
SIGNAL_TONES = {"ok": "ok", "warn": "warn", "bad": "bad"}


@requires("connections.view")
@require_safe
@answers_errors
def connection_detail(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Show one connection, or only the region that follows its state."""
    context = detail_context(request, connection_id)
    template = "connection_state" if fragment_target(request) else "connection_detail"
    return render_region(request, f"messaging/{template}.html", context)


@requires("connections.manage")
@require_POST
@answers_errors
def connection_repair(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Read the server's own store for messages that never arrived, in a window of time."""
    form = RepairForm(request.POST)
    if form.is_valid():
        try:
            since, until = form.window(timezone.now())
            gaps.request_repair(connection_id, since=since, until=until)
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, _("The server is being searched for lost messages"))
            return redirect("messaging:connection-detail", connection_id)
    context = {**detail_context(request, connection_id), "repair_form": form}
    return render_region(request, "messaging/connection_detail.html", context, status=422)


def frame_context(request: HttpRequest, view: ConnectionView, current: str) -> dict[str, Any]:
    """Return what the three pages of a connection share: its head, its tabs and its acts."""
    row = connection_row(view)
    may_manage = may(request, "connections.manage") and view.removed_at is None
    names = [
        ("detail", _("Overview")),
        ("sending", _("Sending")),
        *([("edit", _("Settings"))] if may_manage else []),
    ]
    return {
        "connection": view,
        "row": row,
        "server_name": server_name(view),
        "acts": acts_of(row),
        "tabs": [
            {
                "url": reverse(f"messaging:connection-{name}", args=[view.id]),
                "label": label,
                "is_current": name == current,
            }
            for name, label in names
        ],
        "sees_numbers": sees_numbers(request),
        "may_manage": may_manage,
        "may_see_events": may(request, "events.view"),
    }


def server_name(view: ConnectionView) -> str:
    """Return what people call the server of a connection; where the house's stand is not told."""
    if view.server_id is None:
        return view.server_url.partition("://")[2]
    try:
        return servers.server_view(view.server_id).name
    except NotFound:
        return ""


def detail_context(request: HttpRequest, connection_id: UUID) -> dict[str, Any]:
    detail = read.connection_detail(connection_id)
    stored = read.connection_model(connection_id)
    health = health_view(stored)
    is_week = request.GET.get("periodo") == "7d"
    spans = states_timeline(stored, timezone.now() - (WEEK if is_week else timedelta(hours=24)))
    return {
        **frame_context(request, detail.view, "detail"),
        "health": health,
        "health_tone": HEALTH_TONES.get(health.health, ""),
        "signals": [(one, SIGNAL_TONES.get(one.status, "")) for one in health.signals],
        "bar": _bar(health.week if is_week else health.day, spans),
        "is_week": is_week,
        "periods": _periods(detail.view, is_week=is_week),
        "spans": _spans(spans),
        "incidents": incident_page(connection=connection_id, limit=SHOWN_INCIDENTS),
        "repairs": repairs_of(connection_id, limit=SHOWN_INCIDENTS),
        "repair_form": RepairForm(),
        "now": timezone.now(),
    }


def _bar(slots: Sequence[Slot], spans: Sequence[StateSpan]) -> list[str]:
    """Return the tone of each stretch: the worse of what looks found and what events told."""
    return [
        max(
            HEALTH_TONES.get(slot.status, ""),
            *(
                one.tone
                for one in spans
                if one.start < slot.end and (one.end is None or one.end > slot.start)
            ),
            "",
            key=_GRAVITY.__getitem__,
        )
        for slot in slots
    ]


def _periods(view: ConnectionView, *, is_week: bool) -> list[dict[str, Any]]:
    own = reverse("messaging:connection-detail", args=[view.id])
    return [
        {"url": own, "label": _("24 hours"), "is_current": not is_week},
        {"url": f"{own}?periodo=7d", "label": _("7 days"), "is_current": is_week},
    ]


def _spans(spans: Sequence[StateSpan]) -> list[tuple[StateSpan, int]]:
    """Return the states, the newest first, each with the seconds it lasted."""
    now: datetime = timezone.now()
    return [
        (one, int(((one.end or now) - one.start).total_seconds()))
        for one in list(reversed(spans))[:SHOWN_STATES]
    ]
