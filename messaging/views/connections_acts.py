"""What a person does to a connection with one press, and two acts that are asked about first."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from evosense.core.errors import DomainError
from messaging.selectors import connections as read
from messaging.services import health, lane_control, lifecycle
from messaging.views.common import answers_errors, do_and_say
from messaging.views.once import first_time, new_form_token
from tenancy.permissions import requires
from tenancy.recent import recently_authenticated

_BACK = {
    "list": "messaging:connection-list",
    "sending": "messaging:connection-sending",
    "settings": "messaging:connection-edit",
}


@dataclass(frozen=True, slots=True)
class _Act:
    do: Callable[[UUID], object]
    done: Promise


# Word in the address → what happens.
ACTS: dict[str, _Act] = {
    "verificar": _Act(health.check_now, _("Checked just now")),
    "reiniciar": _Act(lifecycle.restart, _("The session is being restarted")),
    "padrao": _Act(lifecycle.set_default, _("New conversations are sent from this number now")),
    "pausar": _Act(lane_control.pause_sending, _("Sending is paused")),
    "retomar": _Act(lane_control.resume_sending, _("Sending goes on")),
    "webhook": _Act(lifecycle.verify_webhook, _("The webhook was checked")),
}


@requires("connections.manage")
@require_POST
@answers_errors
def connection_act(request: HttpRequest, connection_id: UUID, act: str) -> HttpResponse:
    """Do one of `ACTS` and go back to where the person was; a refusal is said there."""
    if act not in ACTS:
        raise Http404
    do_and_say(request, lambda: ACTS[act].do(connection_id), ACTS[act].done)
    return go_back(request, connection_id)


@requires("connections.manage")
@recently_authenticated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def connection_log_out(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask, then unpair the phone; the history stays."""
    return _asked(
        request,
        connection_id,
        "messaging/connection_log_out.html",
        lambda: lifecycle.log_out(connection_id),
        _("The device was removed from WhatsApp"),
    )


@requires("connections.manage")
@recently_authenticated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def connection_remove(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask, then delete the connection here and, unless the person keeps it, on the server."""
    keep = request.POST.get("keep_on_server") == "on"
    return _asked(
        request,
        connection_id,
        "messaging/connection_remove.html",
        lambda: lifecycle.remove(connection_id, keep_on_server=keep),
        _("The connection was deleted"),
        then="list",
    )


def go_back(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Return to the page that the form named, else to the connection's own."""
    back = request.POST.get("back", "")
    if back == "list":
        return redirect(_BACK["list"])
    return redirect(_BACK.get(back, "messaging:connection-detail"), connection_id)


def _asked(
    request: HttpRequest,
    connection_id: UUID,
    template: str,
    act: Callable[[], object],
    done: Promise,
    then: str = "",
) -> HttpResponse:
    """Show the question; on its answer act once and leave, or show why it did not work."""
    context = {"connection": read.living_view(connection_id), "form_token": new_form_token()}
    if request.method != "POST":
        return render(request, template, context)
    if first_time(request):
        try:
            act()
        except DomainError as error:
            context["problem"] = error.message
            return render(request, template, context, status=422)
        messages.success(request, str(done))
    if then:
        return redirect(_BACK[then])
    return redirect("messaging:connection-detail", connection_id)
