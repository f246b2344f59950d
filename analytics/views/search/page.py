"""The search page: one box, three modes, filters in the address, hits with their reasons."""

import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from analytics.search import jobs, saved, spaces
from analytics.search.hits import PAGE, HitPage, hit_page
from analytics.search.parameters import Parameters
from analytics.search.service import Found, Request, find
from analytics.search.spread import spread
from analytics.views.search import presenting
from evosense.core.errors import Invalid
from evosense.core.htmx import wants_fragment
from evosense.core.pages import may, user_id
from messaging.selectors.choices import connection_choices
from messaging.selectors.matches import extent
from messaging.views.common import answers_errors, render_region
from tenancy.permissions import requires

PAGE_TEMPLATE = "analytics/search/search.html"
REGION = "analytics/search/results.html"
ROWS = "analytics/search/rows.html"
# Named in a refusal by the service, named here by the field of the page.
_FIELDS = {"who": "quem", "mode": "modo"}


@requires("conversations.view")
@require_safe
@answers_errors
def search(request: HttpRequest) -> HttpResponse:
    """Show the box, and what it finds; only the results, or further ones, when htmx asks."""
    return show_search(request)


def show_search(
    request: HttpRequest, *, save_errors: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """Return the page; a refused form to keep the search comes with its `save_errors`."""
    given = request.GET if request.method in {"GET", "HEAD"} else request.POST
    context: dict[str, Any] = {"save_errors": save_errors or {}}
    try:
        parameters = Parameters.of(given)
        context |= _results(request, parameters, given.get("cursor") or None)
    except Invalid as error:
        parameters = Parameters({"q": given.get("q", "").replace("\x00", "")[:1_000]})
        field = _FIELDS.get(error.field or "", error.field or "q")
        context |= {"errors": {field: error.message}}
        status = 422
    context |= presenting.address_context(parameters, show_numbers=may(request, "numbers.view"))
    if wants_fragment(request) and status in {200, 422}:
        template = ROWS if context.get("is_continued") else REGION
        response = render_region(request, template, context | _beside(request), status)
        if template == REGION and status == 200:
            # Without the fields that were left empty.
            response["HX-Replace-Url"] = parameters.address(reverse("analytics:search"))
        return response
    return render_region(request, PAGE_TEMPLATE, context | _frame() | _beside(request), status)


def _results(request: HttpRequest, parameters: Parameters, cursor: str | None) -> dict[str, Any]:
    if not parameters.q:
        return {}
    asked: Request = parameters.request()
    started = time.perf_counter()
    found = find(asked, show_numbers=may(request, "numbers.view"))
    page = hit_page(found, cursor=cursor, limit=PAGE, show_numbers=may(request, "numbers.view"))
    took = round((time.perf_counter() - started) * 1_000)
    context = _list(found, page, parameters) | {"took": took, "is_continued": cursor is not None}
    if cursor is None or not wants_fragment(request):
        context |= presenting.spread_context(spread(found.pks))
    return context


def _list(found: Found, page: HitPage, parameters: Parameters) -> dict[str, Any]:
    path = reverse("analytics:search")
    return {
        "found": found,
        "total": len(found.pks),
        "rows": [presenting.row(hit) for hit in page.hits],
        "first": page.first,
        "last": page.first + len(page.hits) - 1,
        "more_url": parameters.address(path, cursor=page.next) if page.next else "",
        "orders": presenting.orders(parameters),
        "unavailable": presenting.unavailable_words(found.unavailable),
        "missed": ", ".join(found.query.phrases) if found.misses_phrase else "",
    }


def _frame() -> dict[str, Any]:
    return {
        "extent": extent(),
        "waiting": jobs.waiting(),
        "is_preparing": spaces.is_preparing(),
        "connections": connection_choices(),
    }


def _beside(request: HttpRequest) -> dict[str, Any]:
    rows = saved.saved_searches(user_id(request))
    alerts = saved.alerts_of(rows)
    return {"saved": [(row, alerts.get(row.public_id)) for row in rows]}
