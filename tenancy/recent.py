"""Sensitive acts ask for proof that the person at the keyboard is still the one who logged in."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

View = TypeVar("View", bound=Callable[..., HttpResponse])

CONFIRM_PATH = "/conta/confirmar/"
WITHIN_SECONDS = 600
_PROVED_AT = "proved_at"


def recently_authenticated(view: View) -> View:
    """Send people who last proved themselves more than ten minutes ago to prove it again.

    Goes below `@requires`. A form that is sent too late is shown again afterwards, not replayed.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # An operator on a visit proves nothing about the people of the company.
        if getattr(request, "support", None):
            raise PermissionDenied
        if proved_recently(request):
            return view(request, *args, **kwargs)
        return _to_confirmation(request)

    return cast("View", guarded)


def mark_proved(request: HttpRequest) -> None:
    """Remember that the person has just shown a password, code or passkey."""
    request.session[_PROVED_AT] = int(time.time())


def proved_recently(request: HttpRequest) -> bool:
    """Tell whether that was within the last ten minutes."""
    proved = int(request.session.get(_PROVED_AT, 0))
    return 0 <= time.time() - proved < WITHIN_SECONDS


def _to_confirmation(request: HttpRequest) -> HttpResponse:
    target = f"{CONFIRM_PATH}?{urlencode({'next': _way_back(request)})}"
    if request.headers.get("HX-Request"):
        # A fragment request would swap the page into a corner of the old one.
        response = HttpResponse(status=403)
        response["HX-Redirect"] = target
        return response
    return redirect(target)


def _way_back(request: HttpRequest) -> str:
    """Return the page that the person sees now: a form's own page, not its target."""
    if request.method in {"GET", "HEAD"} and not request.headers.get("HX-Request"):
        return request.get_full_path()
    seen = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(seen, allowed_hosts={request.get_host()}):
        return "/"
    parts = urlsplit(seen)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
