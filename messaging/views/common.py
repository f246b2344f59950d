"""What the pages of messaging share: fragments, small parsers, and what all pages share."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from evosense.core.errors import Invalid
from evosense.core.htmx import wants_fragment
from evosense.core.pages import answers_errors, do_and_say, may, user_id

__all__ = [
    "answers_errors",
    "bad_filter",
    "do_and_say",
    "fragment_target",
    "may",
    "parse_uuid",
    "render_region",
    "sees_numbers",
    "user_id",
]


def sees_numbers(request: HttpRequest) -> bool:
    return may(request, "numbers.view")


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
