"""The connect page: the newest code, how long it lives, and what became of it.

It only looks. Codes are made by a person's press of a button, never by opening or polling the page.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from messaging.selectors import connections as read
from messaging.selectors.connections import ConnectionView
from messaging.services import lifecycle
from messaging.services.lifecycle import PairingView
from messaging.services.number_record import register_number
from messaging.views.common import (
    answers_errors,
    do_and_say,
    fragment_target,
    may,
    render_region,
    sees_numbers,
)
from messaging.views.connections_detail import server_name
from messaging.views.pairing_words import UNDER_WAY, said_of
from tenancy.permissions import requires

# States whose own words leave open what went wrong.
SAYS_WHY = frozenset({"none", "provider_error", "server_down", "bad_key"})
# The longest window of history that is offered right after pairing.
OFFERED_DAYS = (1, 7, 30)


@requires("connections.view")
@never_cache
@require_safe
@answers_errors
def pairing(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Show how far pairing is; as a region only when something changed since version `v`."""
    view = read.living_view(connection_id)
    context = _context(request, view, lifecycle.pairing_view(connection_id))
    if not fragment_target(request):
        return render(request, "messaging/connection_pair.html", context)
    if request.GET.get("v") == context["version"]:
        return HttpResponse(status=204)
    return render_region(request, "messaging/connection_pair_region.html", context)


@requires("connections.manage")
@never_cache
@require_POST
@answers_errors
def pairing_start(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask the server for codes: a QR code, or one to type, which needs the phone's number."""
    by_code, number = request.POST.get("by_code") == "1", request.POST.get("number", "")

    def start() -> None:
        if number:
            register_number(connection_id, number=number)
        lifecycle.start_pairing(connection_id, by_code=by_code)

    return _act(request, connection_id, start)


@requires("connections.manage")
@never_cache
@require_POST
@answers_errors
def pairing_anew(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Make the session on the server anew; history and settings stay."""
    return _act(request, connection_id, lambda: lifecycle.recreate_session(connection_id))


@requires("connections.manage")
@never_cache
@require_POST
@answers_errors
def pairing_disconnect(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Remove the session of the wrong number from the server."""
    return _act(request, connection_id, lambda: lifecycle.log_out(connection_id))


@requires("connections.manage")
@never_cache
@require_POST
@answers_errors
def pairing_accept(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Take the number that was read as the number of this connection."""
    return _act(request, connection_id, lambda: lifecycle.accept_number(connection_id))


def _act(request: HttpRequest, connection_id: UUID, act: Callable[[], object]) -> HttpResponse:
    """Do it and show the page again; a refusal is said where the person looks."""
    do_and_say(request, act)
    return redirect("messaging:connection-pair", connection_id)


def _context(request: HttpRequest, view: ConnectionView, state: PairingView) -> dict[str, Any]:
    is_by_hand = view.server_id is None and not view.server_url
    name = "by_hand" if is_by_hand else state.state
    now = timezone.now()
    left = (state.expires_at - now).total_seconds() if state.expires_at else 0
    life = (
        (state.expires_at - state.shown_at).total_seconds()
        if state.expires_at and state.shown_at
        else 0
    )
    may_manage = may(request, "connections.manage")
    is_old = left <= 0
    return {
        "connection": view,
        "pairing": state,
        "said": said_of(name),
        "state": name,
        "is_under_way": name in UNDER_WAY,
        "is_up": name in ("connected", "already_open"),
        "says_why": name in SAYS_WHY,
        "may_manage": may_manage,
        "sees_numbers": sees_numbers(request),
        "is_old": is_old,
        "left": max(0, round(left)),
        "life": max(1, round(life)),
        "age": max(0, round((now - state.shown_at).total_seconds())) if state.shown_at else 0,
        "rest": f"{max(0.0, min(1.0, 1 - left / life)) if life else 1:.3f}",
        "version": f"{name}-{state.sequence}-{int(is_old)}-{state.problem}-{state.count}",
        "server_name": server_name(view),
        "days": [
            (days, ngettext("Last day", "Last %(count)s days", days) % {"count": days})
            for days in OFFERED_DAYS
        ],
    }
