"""What the pages of messaging share: refusals as answers, permissions, small parsers."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from evosense.core.errors import DomainError, Invalid, NotAllowed, NotFound
from evosense.core.htmx import wants_fragment

View = TypeVar("View", bound=Callable[..., HttpResponse])


def answers_errors(view: View) -> View:
    """Turn what services and selectors refuse into the answers of a page: 404, 403, or the words.

    Refusals that belong beside a field are caught by the view itself.
    """

    @wraps(view)
    def answering(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(str(error.code)) from error
        except NotAllowed as error:
            raise PermissionDenied from error
        except DomainError as error:
            context = {"detail": error.message, "request_id": getattr(request, "request_id", "")}
            return render(request, "errors/400.html", context, status=error.status)

    return cast("View", answering)


def may(request: HttpRequest, permission: str) -> bool:
    """Tell whether the person asking has `permission` here."""
    return permission in getattr(request, "permissions", frozenset())


def sees_numbers(request: HttpRequest) -> bool:
    return may(request, "numbers.view")


def user_id(request: HttpRequest) -> int:
    """Return the id of the person asking; `requires` let only members in."""
    return int(request.user.pk or 0)


def fragment_target(request: HttpRequest) -> str:
    """Return the id of the region htmx will fill, '' when a whole page is asked for."""
    return str(getattr(request, "htmx", None).target or "*") if wants_fragment(request) else ""  # type: ignore[union-attr]


def render_region(
    request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """Render one region of a page; caches must know that the same address also has the page."""
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ("HX-Request", "HX-Target"))
    return response


def parse_uuid(raw: str, field: str) -> UUID | None:
    """Return the id, None when nothing was given; raises Invalid naming the field."""
    if not raw:
        return None
    try:
        return UUID(raw)
    except ValueError as error:
        raise bad_filter(field) from error


def bad_filter(field: str) -> Invalid:
    message = _("The filter “%(field)s” has a value that does not exist.") % {"field": field}
    return Invalid("invalid_filter", message, field=field)
