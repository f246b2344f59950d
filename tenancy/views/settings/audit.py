"""The audit: who did what when, filtered, checked against its seals, taken away by the owner."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.dateparse import parse_date
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from evosense.core.errors import Invalid
from evosense.core.exports import csv_lines
from evosense.core.htmx import wants_fragment
from evosense.core.pages import answers_errors, may
from evosense.core.ratelimit import demand
from evosense.core.schema import current_tenant
from tenancy.audit_words import action_choices
from tenancy.permissions import requires
from tenancy.recent import recently_authenticated
from tenancy.selectors.audit import (
    Act,
    AuditFilter,
    audit_acts,
    audit_count,
    audit_page,
    last_number,
)
from tenancy.services import audit
from tenancy.services.audit_chain import check_chain
from tenancy.views.settings.common import settings_page, tenant_id

# Enough to narrow the filter and try again; the whole trail each time costs the database.
EXPORTS_AN_HOUR = 10
_HEADER = (
    "number", "at", "who", "kind", "address", "action", "sentence",
    "object_type", "object_id", "object_label", "changes", "request_id",
)  # fmt: skip
_CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@requires("audit.view")
@require_safe
@answers_errors
def audit_list(request: HttpRequest) -> HttpResponse:
    """Show the trail, newest first; htmx asks for the entries only."""
    narrowed, asked = _filter_of(request)
    page = audit_page(tenant_id(), narrowed, cursor=request.GET.get("cursor", ""))
    context: dict[str, Any] = {
        "page": page,
        "asked": asked,
        "is_filtered": any(asked.values()),
        "is_later": bool(request.GET.get("cursor")),
        "first_url": f"?{urlencode(asked)}",
        "next_url": f"?{urlencode({**asked, 'cursor': page.next})}" if page.next else "",
    }
    if wants_fragment(request) and request.htmx.target == "audit":  # type: ignore[attr-defined]
        return render(request, "settings/audit_rows.html", context)
    context |= {
        "actions": action_choices(),
        "may_export": may(request, "audit.export"),
        "export_query": urlencode(asked),
    }
    return settings_page(request, "settings/audit.html", context)


@requires("audit.view")
@never_cache
@require_safe
def audit_check(request: HttpRequest) -> HttpResponse:
    """Read the whole trail and say how far it holds (a fragment, or a page of its own)."""
    context = {"check": check_chain(tenant_id())}
    template = "settings/audit_check.html"
    if wants_fragment(request):
        return render(request, template, context)
    return settings_page(request, "settings/audit_check_page.html", context)


@requires("audit.export")
@recently_authenticated
@never_cache
@require_safe
@answers_errors
def audit_export(request: HttpRequest) -> HttpResponse:
    """Stream what the filter leaves as CSV or JSON lines; the export is an entry itself."""
    narrowed, asked = _filter_of(request)
    kind = "json" if request.GET.get("formato") == "json" else "csv"
    tenant = current_tenant()
    demand(f"t:{tenant.id}:limit:export:audit", rate=EXPORTS_AN_HOUR, per_seconds=3600)
    up_to = last_number(tenant.id)
    audit.record(
        "audit.exported",
        object_type="audit",
        object_label=tenant.name,
        changes={
            "format": [None, kind],
            "count": [None, audit_count(tenant.id, narrowed)],
            **{name: [None, value] for name, value in asked.items() if value},
        },
        tenant_id=tenant.id,
    )
    lines = _csv if kind == "csv" else _json
    acts = _in_language(tenant.id, narrowed, up_to, translation.get_language() or "")
    response = StreamingHttpResponse(lines(acts), content_type=_CONTENT_TYPES[kind])
    name = f"auditoria-{tenant.slug}-{timezone.localdate():%Y-%m-%d}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return cast("HttpResponse", response)


def _filter_of(request: HttpRequest) -> tuple[AuditFilter, dict[str, str]]:
    asked = {
        name: request.GET.get(name, "").replace("\x00", "").strip()[:120]
        for name in ("quem", "acao", "objeto", "de", "ate")
    }
    until = _day(asked["ate"], "ate")
    narrowed = AuditFilter(
        who=asked["quem"],
        action=asked["acao"],
        object=asked["objeto"],
        since=_day(asked["de"], "de"),
        until=until + timedelta(days=1) if until else None,
    )
    return narrowed, asked


def _day(raw: str, field: str) -> datetime | None:
    """Return the beginning of a day in the company's time zone; None when none was given."""
    if not raw:
        return None
    try:
        day = parse_date(raw)
    except ValueError:
        day = None
    # One day stays before the end of the calendar for "until".
    if day is None or not 1970 <= day.year <= 9000:
        raise Invalid("invalid_filter", _("Use a date such as 2026-03-31."), field=field)
    return timezone.make_aware(datetime.combine(day, time()))


def _in_language(company: UUID, narrowed: AuditFilter, up_to: int, language: str) -> Iterator[Act]:
    """Yield the acts with their words in `language`: the stream outlives the request's own."""
    acts = audit_acts(company, narrowed, up_to=up_to)
    while True:
        with translation.override(language):
            act = next(acts, None)
        if act is None:
            return
        yield act


def _csv(acts: Iterator[Act]) -> Iterator[str]:
    return csv_lines(_HEADER, (_cells(act) for act in acts))


def _cells(act: Act) -> list[object]:
    values = {**_fields(act), "changes": json.dumps(act.raw_changes, ensure_ascii=False)}
    return [values[name] for name in _HEADER]


def _json(acts: Iterator[Act]) -> Iterator[str]:
    between = "[\n"
    for act in acts:
        yield between + json.dumps(_fields(act), ensure_ascii=False)
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"


def _fields(act: Act) -> dict[str, object]:
    return {
        "number": act.number,
        "at": act.at.astimezone(UTC).isoformat(),
        "who": act.who,
        "kind": act.kind,
        "address": act.address,
        "action": act.action,
        "sentence": act.sentence,
        "object_type": act.object_type,
        "object_id": act.object_id,
        "object_label": act.object_label,
        "changes": act.raw_changes,
        "request_id": act.request_id,
    }
