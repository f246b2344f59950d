"""Small forms beside the text: a place, a contact card, a poll."""

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from evosense.core.errors import DomainError, Invalid, NotFound
from evosense.core.htmx import trigger, wants_fragment
from messaging.selectors import conversations
from messaging.selectors.conversations import ConversationRow
from messaging.services import composing
from messaging.services.composing import Composer
from messaging.views.common import answers_errors, render_region, sees_numbers, user_id
from messaging.views.composing import key_of
from tenancy.permissions import requires

# Word in the address → kind of message, title, and the service's fields that other inputs hold.
KINDS: dict[str, tuple[str, Any, dict[str, str]]] = {
    "local": (
        "location",
        gettext_lazy("Send a location"),
        {"latitude": "place", "longitude": "place"},
    ),
    "contato": ("contact", gettext_lazy("Send a contact card"), {"contacts": "phone"}),
    "enquete": ("poll", gettext_lazy("Send a poll"), {"selectable": "options"}),
}
_FIELDS = ("place", "name", "address", "phone", "organization", "options", "several")


@requires("conversations.reply")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def composer_extra(request: HttpRequest, conversation_id: UUID, kind: str) -> HttpResponse:
    """Show the form of one kind, or send what it says."""
    row = conversations.conversation(conversation_id, show_numbers=sees_numbers(request))
    if kind not in KINDS:
        raise NotFound("kind_unknown", "")
    if request.method != "POST":
        return _form(request, row, kind, uuid4())
    key = key_of(request.POST)
    values = {name: request.POST.get(name, "").strip() for name in _FIELDS}
    composer = Composer(conversation_pk=row.pk, conversation_id=row.id, user_id=user_id(request))
    try:
        composing.send_one(composer, KINDS[kind][0], _payload(kind, values), key)
    except DomainError as error:
        field = KINDS[kind][2].get(error.field or "", error.field or "form")
        errors = {field if field in _FIELDS else "form": error.message}
        return _form(request, row, kind, key, {"values": values, "errors": errors}, 422)
    if not wants_fragment(request):
        return redirect("messaging:conversation-detail", row.id)
    return trigger(HttpResponse(), "live:messages", {"ids": [str(row.id)], "target": "body"})


def _payload(kind: str, values: dict[str, str]) -> dict[str, Any]:
    if kind == "local":
        latitude, longitude = _place(values["place"])
        place = {"latitude": latitude, "longitude": longitude}
        return place | {name: values[name] for name in ("name", "address")}
    if kind == "contato":
        return {"contacts": [{name: values[name] for name in ("name", "phone", "organization")}]}
    options = [line.strip() for line in values["options"].splitlines() if line.strip()]
    # Zero is WhatsApp's word for "as many as you like".
    return {"name": values["name"], "options": options, "selectable": 0 if values["several"] else 1}


def _place(text: str) -> tuple[float, float]:
    """Read `-25.4284, -49.2733`, as maps show and copy it."""
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError as error:
        message = _("Write two numbers with a comma between them.")
        raise Invalid("invalid", message, field="place") from error
    return latitude, longitude


def _form(
    request: HttpRequest,
    row: ConversationRow,
    kind: str,
    key: UUID,
    filled: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "conversation": row,
        "kind": kind,
        "key": key,
        "title": KINDS[kind][1],
        "action": reverse("messaging:composer-extra", args=[row.id, kind]),
        "back_url": reverse("messaging:conversation-detail", args=[row.id]),
        "submit": _("Send"),
        "inner": "messaging/composer_extra_form.html",
        **(filled or {}),
    }
    name = "composer_extra" if wants_fragment(request) else "message_act"
    return render_region(request, f"messaging/{name}.html", context, status)
