"""Answers to a browser that may ask for a whole page or for one fragment of it."""

from collections.abc import Mapping
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

Level = Literal["ok", "info", "warn", "bad"]


def wants_fragment(request: HttpRequest) -> bool:
    """Tell whether a fragment is asked for: not by boosted links, not when history is rebuilt."""
    details = getattr(request, "htmx", None)
    if not details:
        return False
    return not details.boosted and not details.history_restore_request


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    partial: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render `template`, or only its `partial` when htmx asks; failed forms pass status 422."""
    name = f"{template}#{partial}" if partial and wants_fragment(request) else template
    response = render(request, name, dict(context or {}), status=status)
    # Without it a cache or the back button shows a fragment as if it were the page.
    patch_vary_headers(response, ("HX-Request",))
    return response


def toast(response: HttpResponse, message: Any, level: Level = "ok") -> HttpResponse:
    """Make the page show a short note when it receives `response`."""
    return trigger(response, "toast", {"message": str(message), "level": level})


def trigger(
    response: HttpResponse, name: str, detail: Mapping[str, Any] | None = None
) -> HttpResponse:
    """Make htmx raise the DOM event `name` once the answer is in place."""
    trigger_client_event(response, name, dict(detail or {}), after="receive")
    return response


def redirect_client(request: HttpRequest, url: str) -> HttpResponse:
    """Send the person to `url`, whether htmx or the browser itself asked."""
    if wants_fragment(request):
        return HttpResponseClientRedirect(url)
    response = HttpResponse(status=303)
    response["Location"] = url
    return response
