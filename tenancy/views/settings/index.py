"""The front page of the settings: what there is, in groups."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tenancy.permissions import MEMBER, requires


@requires(MEMBER)
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the pages that this person may open."""
    return render(request, "settings/index.html")
