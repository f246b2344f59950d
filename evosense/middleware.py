"""Request context that belongs to no app: request id, log context, language and time zone."""

import time
from collections.abc import Callable
from http import HTTPStatus
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from evosense import views
from evosense.core import ratelimit
from evosense.core.actor import SYSTEM, acting
from evosense.core.ids import random_base62
from evosense.core.metrics import observe_request
from evosense.core.schema import active_tenant

GetResponse = Callable[[HttpRequest], HttpResponse]
PROBES = frozenset({"/healthz", "/readyz", "/metrics", "/tls/ask"})


class RequestContextMiddleware:
    """Give each request an id that answers, logs and error pages share."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = random_base62(12)  # type: ignore[attr-defined]
        with (
            structlog.contextvars.bound_contextvars(request_id=request.request_id),  # type: ignore[attr-defined]
            # An API key named further in must not act for the next request of this thread.
            acting(SYSTEM),
            ratelimit.noting() as decisions,
        ):
            response = self.get_response(request)
        for name, value in ratelimit.headers_of(decisions).items():
            response.setdefault(name, value)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


class ProbeMiddleware:
    """Let a probe or a scrape come by address: it is asked of this process, not of a host name."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in PROBES:
            request.META["HTTP_HOST"] = settings.PUBLIC_HOST
        return self.get_response(request)


class MetricsMiddleware:
    """Time each request by the name of its view; outside everything, so that refusals count."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        observe_request(
            site="tenant" if getattr(request, "tenant", None) else "public",
            view=match.view_name if match else "",
            status=response.status_code,
            seconds=time.perf_counter() - started,
        )
        return response


class MethodPageMiddleware:
    """Give people a page where Django answers a wrong method with nothing at all."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or response.content:
            return response
        return views.method_not_allowed(request, response["Allow"])


class LocaleMiddleware:
    """Use the person's language and time zone, else the tenant's."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        tenant = active_tenant()
        language = self._language(request, tenant.locale if tenant else "")
        with translation.override(language), timezone.override(self._zone(request, tenant)):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.setdefault("Content-Language", language)
        return response

    def _language(self, request: HttpRequest, fallback: str) -> str:
        known = {code for code, _name in settings.LANGUAGES}
        user = getattr(request, "user", None)
        for wanted in (getattr(user, "locale", ""), fallback):
            if wanted in known:
                return wanted
        return settings.LANGUAGE_CODE

    def _zone(self, request: HttpRequest, tenant: object) -> ZoneInfo:
        own = getattr(getattr(request, "user", None), "timezone", "")
        try:
            return ZoneInfo(own or getattr(tenant, "timezone", "America/Sao_Paulo"))
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo("America/Sao_Paulo")
