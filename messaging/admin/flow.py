"""What waits and where: the backlog by lane, the spool of this machine, queues and fair rings."""

import time
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from evosense.core.errors import Invalid
from messaging.ingest.receiver.spool import spooled_files
from messaging.selectors.house_events import backlog_lines
from tenancy.admin.shown import ago, link, number, size
from tenancy.admin.site import operator_site
from tenancy.services import rings


@require_safe
def backlog(request: HttpRequest) -> HttpResponse:
    """Show who waits for what, the longest first."""
    rows = [
        [
            link(line.tenant) if line.tenant else str(line.tenant_id),
            line.lane,
            number(line.waiting),
            ago(line.oldest_at),
            number(line.retried),
        ]
        for line in backlog_lines()
    ]
    headers = [_("Company"), _("Lane"), _("Waiting"), _("Oldest"), _("Tried before")]
    return _page(request, _("Backlog of raw events"), [(None, headers, rows)])


@require_safe
def spool(request: HttpRequest) -> HttpResponse:
    """Show the files that took events while the database was away."""
    folder = Path(settings.RECEIVER_SPOOL_DIR)
    rows = [
        [each.name, each.state, size(each.size), ago(each.born_at)]
        for each in spooled_files(folder)
    ]
    headers = [_("File"), _("State"), _("Size"), _("Since")]
    note = _(
        "The folder of this machine. Receivers of other machines report theirs as metrics"
        " (receiver_spool_bytes, receiver_spool_oldest_seconds)."
    )
    return _page(request, _("Spool"), [(None, headers, rows)], note=note)


@require_safe
def queues(request: HttpRequest) -> HttpResponse:
    """Show every queue with its fair ring."""
    try:
        found = rings.rings(now=time.time())
    except redis.RedisError:
        messages.error(request, _now("Redis does not answer."))
        found = []
    context = {
        **operator_site.each_context(request),
        "title": _("Queues and fair rings"),
        "nothing": _("Nothing waits here."),
        "headers": [_("Company"), _("Waiting"), _("Running")],
        "rings": [(ring, _shares(ring)) for ring in found],
    }
    return TemplateResponse(request, "operators/queues.html", context)


@require_POST
def revive(request: HttpRequest, kind: str) -> HttpResponse:
    """Queue the given-up work of one ring again."""
    try:
        text = _now("%(count)s items were queued again.") % {"count": rings.revive(kind)}
    except Invalid as error:
        raise Http404 from error
    messages.success(request, text)
    return redirect("admin:queues")


def _shares(ring: rings.Ring) -> list[list[Any]]:
    return [
        [
            link(share.tenant) if share.tenant else share.tenant_id,
            number(share.waiting),
            number(share.running),
        ]
        for share in ring.tenants
    ]


def _page(
    request: HttpRequest,
    title: Any,
    tables: list[tuple[Any, list[Any], list[list[Any]]]],
    *,
    note: Any = "",
) -> HttpResponse:
    context = {
        **operator_site.each_context(request),
        "title": title,
        "tables": tables,
        "note": note,
        "nothing": _("Nothing waits here."),
    }
    return TemplateResponse(request, "operators/tables.html", context)
