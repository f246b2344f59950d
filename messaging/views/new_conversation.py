"""Write first: choose a connection, type a number, and send the first message."""

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from evosense.core.errors import DomainError, Invalid
from evosense.core.htmx import redirect_client, wants_fragment
from messaging.selectors.choices import sending_choices
from messaging.services import composing
from messaging.services.sending import sending_refusal
from messaging.views.common import answers_errors, render_region, user_id
from messaging.views.composing import key_of
from tenancy.permissions import requires


@requires("conversations.reply")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def conversation_new(request: HttpRequest) -> HttpResponse:
    """Show the form, or open the conversation with its first message."""
    if request.method != "POST":
        return _form(request, {"to": request.GET.get("para", "")[:40]}, {}, uuid4())
    values = {name: request.POST.get(name, "") for name in ("connection", "to", "text")}
    try:
        key = key_of(request.POST)
        conversation = composing.open_conversation(
            connection=_connection(values["connection"]),
            to=values["to"],
            text=values["text"].replace("\r\n", "\n"),
            user_id=user_id(request),
            key=key,
        )
    except DomainError as error:
        field = error.field if error.field in values else "form"
        key = uuid4() if error.field == "key" else key_of(request.POST)
        return _form(request, values, {field: error.message}, key, 422)
    return redirect_client(request, reverse("messaging:conversation-detail", args=[conversation]))


def _connection(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        message = _("Choose a connection.")
        raise Invalid("required", message, field="connection") from error


def _form(
    request: HttpRequest,
    values: dict[str, str],
    errors: dict[str, Any],
    key: UUID,
    status: int = 200,
) -> HttpResponse:
    known = sending_choices()
    reasons = {one.id: sending_refusal(one.id) for one in known}
    options = [(str(one.id), one.name) for one in known if not reasons[one.id]]
    why = next((reason.message for reason in reasons.values() if reason), "")
    context = {"values": values, "errors": errors, "key": key, "options": options, "why": why}
    name = "conversation_new_form" if wants_fragment(request) else "conversation_new"
    return render_region(request, f"messaging/{name}.html", context, status)
