"""Lets verified domains of companies past Django's list of hosts.

The list stays ours alone. A request for another host is let through only while the database says
that the host was proved; everything else Django refuses, before any answer repeats the name.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port

from tenancy.selectors.hosts import is_moving_host, tenant_of_host

GetResponse = Callable[[HttpRequest], HttpResponse]


class CustomHostMiddleware:
    """Comes before everything that asks for the host."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        raw = request.META.get("HTTP_HOST", "")
        name, _port = split_domain_port(raw)
        if name and not _is_ours(name) and _is_known(name):
            request.get_host = lambda: raw  # type: ignore[method-assign]
        return self.get_response(request)


def _is_known(name: str) -> bool:
    return tenant_of_host(name) is not None or is_moving_host(name)


def _is_ours(name: str) -> bool:
    return name == settings.PUBLIC_HOST or name.endswith(f".{settings.PUBLIC_HOST}")
