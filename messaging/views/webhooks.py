"""Outbound webhooks in the settings: the list, one with its deliveries, making and changing."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from evosense.core.errors import DomainError
from evosense.core.htmx import render_page
from evosense.core.schema import current_tenant
from messaging.forms import ServiceForm
from messaging.selectors import webhooks_out as read
from messaging.selectors.webhooks_out import DeliveryView, EndpointView
from messaging.services.webhooks_out import endpoints
from messaging.services.webhooks_out.kinds import TEST, event_types
from messaging.views.common import answers_errors
from tenancy.permissions import requires
from tenancy.recent import recently_authenticated
from tenancy.selectors.limits import limit_of

_STATES = {
    "active": ("ok", pgettext_lazy("webhook", "Active")),
    "paused": ("warn", _("Given a rest")),
    "off": ("", _("Switched off")),
}
_TONES = {"delivered": "ok", "failed": "bad", "dropped": "", "pending": "warn", "sending": "info"}


class WebhookForm(ServiceForm):
    name = forms.CharField(label=_("Name"), max_length=80)
    url = forms.CharField(label=_("Address"), max_length=endpoints.LONGEST_URL)
    event_types = forms.MultipleChoiceField(
        label=_("Events"), choices=lambda: [(one.name, one.label) for one in event_types()]
    )
    is_active = forms.BooleanField(required=False)


@requires("webhooks.manage")
@require_safe
@answers_errors
def webhook_list(request: HttpRequest) -> HttpResponse:
    """Show every webhook with its state and its last delivery."""
    found = read.endpoint_list()
    context = {
        "rows": [{"webhook": one, **_state_of(one)} for one in found],
        "limit": limit_of(current_tenant().id, endpoints.LIMIT),
    }
    return render(request, "messaging/webhook_list.html", context)


@requires("webhooks.manage")
@require_safe
@answers_errors
def webhook_detail(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Show one webhook and what became of its deliveries, newest first."""
    webhook, cursor = read.endpoint_view(webhook_id), request.GET.get("cursor") or None
    page = read.delivery_page(webhook_id, cursor=cursor)
    own, labels = reverse("messaging:webhooks-detail", args=[webhook_id]), _labels()
    context = {
        "webhook": webhook,
        "state": _state_of(webhook),
        "deliveries": [
            {"one": one, "tone": _TONES[one.state], "label": labels.get(one.type, one.type)}
            for one in page.rows
        ],
        "own_url": own,
        "next_url": f"{own}?{urlencode({'cursor': page.next})}" if page.next else "",
        "is_continued": cursor is not None,
        "is_moving": cursor is None and any(map(_is_moving, page.rows)),
    }
    return render_page(request, "messaging/webhook_detail.html", context, partial="deliveries")


@requires("webhooks.manage")
@recently_authenticated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def webhook_new(request: HttpRequest) -> HttpResponse:
    """Add a webhook; the answer is the only place where its secret can be read."""
    if request.method != "POST":
        every = [one.name for one in event_types()]
        return _form_page(request, WebhookForm(initial={"event_types": every}))
    form = WebhookForm(request.POST)
    if form.is_valid():
        wanted = {name: form.cleaned_data[name] for name in ("name", "url", "event_types")}
        try:
            made = endpoints.create_endpoint(**wanted)
        except DomainError as error:
            form.refuse(error)
        else:
            return secret_page(request, made, is_new=True)
    return _form_page(request, form, status=422)


@requires("webhooks.manage")
@recently_authenticated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def webhook_edit(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Change a webhook, or switch it on and off."""
    webhook = read.endpoint_view(webhook_id)
    if request.method != "POST":
        initial = {name: getattr(webhook, name) for name in WebhookForm.base_fields}
        return _form_page(request, WebhookForm(initial=initial), webhook=webhook)
    form = WebhookForm(request.POST)
    if form.is_valid():
        try:
            endpoints.update_endpoint(webhook_id, **form.cleaned_data)
        except DomainError as error:
            form.refuse(error)
        else:
            return redirect("messaging:webhooks-detail", webhook_id)
    return _form_page(request, form, webhook=webhook, status=422)


def secret_page(
    request: HttpRequest, made: endpoints.NewSecret, *, is_new: bool = False
) -> HttpResponse:
    """Show a secret, which no other page can."""
    context = {"webhook": made.endpoint, "secret": made.secret, "is_new": is_new}
    return render(request, "messaging/webhook_secret.html", context, status=201)


def _form_page(
    request: HttpRequest,
    form: WebhookForm,
    *,
    webhook: EndpointView | None = None,
    status: int = 200,
) -> HttpResponse:
    chosen = set(form["event_types"].value() or [])
    context = {
        "form": form,
        "webhook": webhook,
        "types": [(one, one.name in chosen) for one in event_types()],
    }
    return render(request, "messaging/webhook_form.html", context, status=status)


def _state_of(webhook: EndpointView) -> dict[str, Any]:
    tone, label = _STATES[webhook.state]
    known = _labels()
    return {
        "tone": "bad" if webhook.disabled_reason else tone,
        "label": label,
        "types": [known.get(name, name) for name in webhook.event_types],
    }


def _labels() -> dict[str, Any]:
    return {one.name: one.label for one in event_types()} | {TEST: pgettext_lazy("webhook", "Test")}


def _is_moving(one: DeliveryView) -> bool:
    """Tell whether looking again in some seconds shows something new."""
    return one.state == "sending" or (one.state == "pending" and one.attempts == 0)
