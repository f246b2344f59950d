"""Pages that belong to no app: probes and error handlers of both hosts."""

import asyncio
import hmac
import sys
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from evosense import probes
from evosense.core.metrics import render as render_metrics
from evosense.core.problem import problem_response

RETRY_AFTER = "5"


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Tell that the process is alive; touches nothing."""
    return JsonResponse(probes.ALIVE)


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Tell what works, where no ASGI server answers this before Django (`evosense.probes`)."""
    body = asyncio.run(probes.readiness())
    return JsonResponse(body, status=probes.status_of(body))


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer Prometheus, which shows METRICS_TOKEN; for others there is no such page."""
    expected = f"Bearer {settings.METRICS_TOKEN}"
    given = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or not hmac.compare_digest(given.encode(), expected.encode()):
        raise Http404
    return HttpResponse(render_metrics(with_house=True), content_type=CONTENT_TYPE_LATEST)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Explain a failed CSRF check as what it usually is: a page left open too long."""
    return _error(request, 403, "csrf_failed", _("This page is out of date. Reload it and retry."))


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _error(request, 400, "bad_request", _("The request could not be understood."))


def permission_denied(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _error(request, 403, "permission_denied", _("You may not do this."))


def method_not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    """Answer somebody who opened an address that only a form may send to."""
    response = _error(request, 405, "method_not_allowed", _("This method is not allowed here."))
    response["Allow"] = allowed
    return response


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _error(request, 404, "not_found", _("There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Tell of an error of ours, or that the database is away: then a repetition helps."""
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        detail = _("EvoSense is very busy or being updated. Try again in a moment.")
        response = _error(request, 503, "unavailable", detail)
        response["Retry-After"] = RETRY_AFTER
        return response
    return _error(request, 500, "server_error", _("Something broke here. It has been recorded."))


def _error(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    if request.path.startswith(("/api/", "/hooks/")):
        return problem_response(status, code, detail)
    context = {"detail": detail, "request_id": getattr(request, "request_id", "")}
    return render(request, f"errors/{status}.html", context, status=status)
