"""What leaves the house and how: nothing dynamic stays in caches, no key travels readable."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from evosense.core.problem import problem_response

GetResponse = Callable[[HttpRequest], HttpResponse]
# Programs, which would follow a redirect and never learn that their key was readable.
_PROGRAMS = ("/api/", "/hooks/")


class HttpsOnlyMiddleware:
    """Refuse programs that come over plain HTTP; people are redirected further in."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (
            settings.SECURE_SSL_REDIRECT
            and request.path.startswith(_PROGRAMS)
            and not request.is_secure()
        ):
            return problem_response(
                403, "https_required", _("Use https. Replace this key: it travelled readable.")
            )
        return self.get_response(request)


class NoStoreMiddleware:
    """Keep every answer out of caches that does not say itself how it may be kept.

    It stands inside WhiteNoise, so static files keep their year.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Cache-Control", "no-store")
        return response
