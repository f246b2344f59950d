"""What every page of the settings says: who may change it, and who changed it last."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from evosense.core.pages import may
from evosense.core.schema import current_tenant
from tenancy.selectors.audit import last_act


@dataclass(frozen=True, slots=True)
class LastChange:
    who: str
    at: datetime


def tenant_id() -> UUID:
    return current_tenant().id


def allowed(request: HttpRequest) -> frozenset[str]:
    """Return what the person asking may do here."""
    permissions: frozenset[str] = getattr(request, "permissions", frozenset())
    return permissions


def settings_page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    areas: tuple[str, ...] = (),
    status: int = 200,
) -> HttpResponse:
    """Render a page of the settings with the line about the last change in `areas`."""
    found = {
        **context,
        "last_change": _last_change(areas),
        "sees_audit": may(request, "audit.view"),
    }
    found["audit_area"] = areas[0] if areas else ""
    return render(request, template, found, status=status)


def _last_change(areas: tuple[str, ...]) -> LastChange | None:
    act = last_act(tenant_id(), *areas) if areas else None
    return LastChange(act.who, act.at) if act else None
