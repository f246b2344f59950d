"""Pages that belong to no app: probes and error handlers of both hosts."""

import hmac
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from evosense.core.metrics import render as render_metrics
from evosense.core.problem import problem_response
from evosense.core.schema import public_scope
from evosense.core.streams import redis_client


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Tell that the process is alive; touches nothing."""
    return JsonResponse({"status": "alive"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Tell what works. Redis away is degraded, the database away is not ready."""
    parts = {"database": _database_answers(), "redis": _redis_answers()}
    ready = parts["database"]
    status = "ready" if all(parts.values()) else "degraded" if ready else "unready"
    body = {"status": status, **{name: "ok" if ok else "down" for name, ok in parts.items()}}
    return JsonResponse(body, status=200 if ready else 503)


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


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _error(request, 404, "not_found", _("There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponse:
    return _error(request, 500, "server_error", _("Something broke here. It has been recorded."))


def _error(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    if request.path.startswith(("/api/", "/hooks/")):
        return problem_response(status, code, detail)
    context = {"detail": detail, "request_id": getattr(request, "request_id", "")}
    return render(request, f"errors/{status}.html", context, status=status)


def _database_answers() -> bool:
    try:
        with public_scope(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _redis_answers() -> bool:
    try:
        return bool(redis_client().ping())
    except redis.RedisError:
        return False
