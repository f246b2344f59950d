"""The settings of one connection: name, alerts, bulk, how its instance behaves, and its webhook."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from evosense.core.errors import DomainError, NotFound
from messaging.forms import ConnectionNameForm, ServiceForm
from messaging.selectors import connections as read
from messaging.services import connections as services
from messaging.services import lifecycle
from messaging.services.connections import webhook_url
from messaging.views.common import answers_errors, do_and_say
from messaging.views.connections_detail import frame_context
from messaging.views.connections_forms import MUTE_HOURS, InstanceSettingsForm, MuteForm
from tenancy.permissions import requires

TOKEN_HEADER = "X-EvoSense-Token"  # noqa: S105  (a header's name)
WEBHOOK_TONES = {"ok": "ok", "repaired": "ok", "unreachable": "warn", "foreign": "bad"}


@requires("connections.manage")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def connection_edit(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Show the settings, or save the one form that was sent."""
    if request.method != "POST":
        return _page(request, connection_id)
    save = _SAVERS.get(request.POST.get("form", ""), _save_name)
    if "is_active" in request.POST:
        save = _save_active
    return save(request, connection_id)


def _save_active(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    wanted = request.POST["is_active"] == "1"
    words = _("Events are taken again") if wanted else _("Events are refused")
    return _do(
        request, connection_id, lambda: services.set_active(connection_id, is_active=wanted), words
    )


def _save_name(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    form = ConnectionNameForm(request.POST)

    def act() -> object:
        return services.rename_connection(connection_id, name=form.cleaned_data["name"])

    return _with_form(request, connection_id, form, "form", act)


def _save_bulk(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    allowed = request.POST.get("allowed") == "on"
    words = _("Dispatches may use this number") if allowed else _("Dispatches leave it out")
    return _do(
        request, connection_id, lambda: lifecycle.set_bulk(connection_id, allowed=allowed), words
    )


def _save_mute(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    form = MuteForm(request.POST)
    return _with_form(
        request,
        connection_id,
        form,
        "mute_form",
        lambda: lifecycle.mute(connection_id, until=form.until()),
    )


def _save_instance(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    form = InstanceSettingsForm(request.POST)
    return _with_form(
        request,
        connection_id,
        form,
        "instance_form",
        lambda: lifecycle.save_settings(connection_id, form.wanted()),
    )


_Saver = Callable[[HttpRequest, UUID], HttpResponse]
_SAVERS: dict[str, _Saver] = {
    "name": _save_name,
    "bulk": _save_bulk,
    "mute": _save_mute,
    "instance": _save_instance,
}


def _with_form(
    request: HttpRequest,
    connection_id: UUID,
    form: ServiceForm,
    name: str,
    act: Callable[[], object],
) -> HttpResponse:
    """Do `act` when the form is valid; otherwise show the page with what is wrong at its field."""
    if form.is_valid():
        try:
            act()
        except NotFound:
            raise
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, _("Saved"))
            return redirect("messaging:connection-edit", connection_id)
    return _page(request, connection_id, status=422, **{name: form})


def _do(
    request: HttpRequest, connection_id: UUID, act: Callable[[], object], words: str
) -> HttpResponse:
    do_and_say(request, act, words)
    return redirect("messaging:connection-edit", connection_id)


def _page(
    request: HttpRequest, connection_id: UUID, status: int = 200, **forms: ServiceForm
) -> HttpResponse:
    view = read.living_view(connection_id)
    stored = lifecycle.settings_of(read.connection_model(connection_id))
    context: dict[str, Any] = {
        **frame_context(request, view, "edit"),
        "form": ConnectionNameForm(initial={"name": view.name}),
        "instance_form": InstanceSettingsForm(initial=asdict(stored)),
        "mute_form": MuteForm(),
        "mute_hours": MUTE_HOURS,
        "webhook_url": webhook_url(view.id),
        "webhook_tone": WEBHOOK_TONES.get(view.webhook_state, ""),
        "token_header": TOKEN_HEADER,
        **forms,
    }
    return render(request, "messaging/connection_settings.html", context, status=status)
