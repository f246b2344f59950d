"""What one connection sends: its line, what failed or is in doubt, and what its server can do."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from evosense.core.errors import DomainError
from messaging.gateway.capabilities import Refusal
from messaging.models import Outgoing
from messaging.selectors import connections as read
from messaging.selectors.connection_outgoing import is_sent_by, trouble_page
from messaging.services import sending
from messaging.services.sending.refusals import capabilities_of
from messaging.views.common import answers_errors, fragment_target, may, render_region
from messaging.views.connections_detail import frame_context
from messaging.views.once import first_time, new_form_token
from tenancy.permissions import requires

_DECISIONS: dict[str, Callable[[UUID], object]] = {
    "retry": sending.retry,
    "sent": partial(sending.resolve, was_sent=True),
    "not_sent": partial(sending.resolve, was_sent=False),
}
# Marks and acts are no kinds that people choose.
_HIDDEN = {Outgoing.Kind.READ}


@requires("connections.view")
@require_safe
@answers_errors
def connection_sending(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Show the sending line of one connection."""
    context = _context(request, connection_id)
    template = "connection_line" if fragment_target(request) else "connection_sending"
    return render_region(request, f"messaging/{template}.html", context)


@requires("conversations.reply")
@require_POST
@answers_errors
def outgoing_decide(request: HttpRequest, connection_id: UUID, message_id: UUID) -> HttpResponse:
    """Send a failed message again, or say what became of one whose outcome is unknown."""
    read.connection_model(connection_id)
    act = _DECISIONS.get(request.POST.get("decision", ""))
    if act is None or not is_sent_by(connection_id, message_id):
        raise Http404
    try:
        act(message_id)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Done"))
    return redirect("messaging:connection-sending", connection_id)


@requires("conversations.reply")
@require_POST
@answers_errors
def outgoing_replay(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Send again what failed and may be repeated, a batch at a time."""
    read.connection_model(connection_id)
    if first_time(request):
        _replay(request, connection_id)
    return redirect("messaging:connection-sending", connection_id)


def _replay(request: HttpRequest, connection_id: UUID) -> None:
    try:
        done = sending.replay_failed(connection_id).replayed
    except DomainError as error:
        messages.error(request, error.message)
        return
    words = ngettext("%(n)d message waits again", "%(n)d messages wait again", done)
    messages.success(request, words % {"n": done})


def _context(request: HttpRequest, connection_id: UUID) -> dict[str, Any]:
    stored = read.connection_model(connection_id)
    able = capabilities_of(stored)
    page = trouble_page(stored.pk, cursor=request.GET.get("cursor") or None)
    may_reply = may(request, "conversations.reply")
    return {
        **frame_context(request, read.connection_view(connection_id), "sending"),
        "refusal": sending.sending_refusal(connection_id),
        "trouble": page,
        "is_continued": bool(request.GET.get("cursor")),
        "server": able,
        "kinds": _kinds(able) if able and able.version else [],
        "may_read": may(request, "conversations.view"),
        "may_reply": may_reply,
        "replayable": sending.replayable_count(stored) if may_reply and page.rows else 0,
        "form_token": new_form_token(),
    }


def _kinds(able: Any) -> list[tuple[str, Refusal | None]]:
    return [
        (str(kind.label), able.can_send(kind.value))
        for kind in Outgoing.Kind
        if kind not in _HIDDEN
    ]
