"""The search of the operators' site: companies, people and domains by a few letters."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from unfold.dataclasses import SearchResult

from tenancy.models import Domain, Tenant, User

MOST_OF_A_KIND = 8


def search(request: HttpRequest) -> HttpResponse:
    """Answer what unfold's command palette asks for."""
    term = request.GET.get("s", "").strip()[:100]
    if not term:
        return HttpResponse()
    found = [*_tenants(term), *_users(term), *_domains(term)]
    return TemplateResponse(request, "operators/found.html", {"results": found})


def _tenants(term: str) -> list[SearchResult]:
    rows = Tenant.objects.filter(Q(name__icontains=term) | Q(slug__icontains=term))
    return _shown(rows.order_by("name"), "tenant", _("Company"), "apartment")


def _users(term: str) -> list[SearchResult]:
    rows = User.objects.filter(Q(email__icontains=term) | Q(name__icontains=term))
    return _shown(rows.order_by("email"), "user", _("Person"), "person")


def _domains(term: str) -> list[SearchResult]:
    rows = Domain.objects.filter(domain__icontains=term, is_custom=True)
    return _shown(rows.order_by("domain"), "domain", _("Domain"), "language")


def _shown(rows: QuerySet[Any], name: str, kind: str, icon: str) -> list[SearchResult]:
    return [
        SearchResult(
            title=str(row),
            description=kind,
            link=reverse(f"admin:tenancy_{name}_change", args=[row.pk]),
            icon=icon,
        )
        for row in rows[:MOST_OF_A_KIND]
    ]
