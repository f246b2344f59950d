"""Raw events of a connection: what came in, what became of it, and asking for another try."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evosense.core.errors import Conflict
from messaging.selectors import connections, raw_events
from messaging.selectors.raw_events import RawEventFilter
from messaging.services.replay import replay_event, replay_events, replayable_count
from messaging.views.common import (
    answers_errors,
    bad_filter,
    fragment_target,
    may,
    render_region,
)
from messaging.views.once import first_time, new_form_token
from tenancy.permissions import requires

STATUS_WORDS = {
    "pending": gettext_lazy("Waiting"),
    "done": gettext_lazy("Applied"),
    "kept": gettext_lazy("Kept unread"),
    "dead": gettext_lazy("Failed"),
}
FLAG_WORDS = {
    "mismatch": gettext_lazy("Other instance"),
    "broken": gettext_lazy("Broken"),
    "oversize": gettext_lazy("Too large"),
    "unknown": gettext_lazy("Unknown event"),
}


@requires("events.view")
@require_safe
@answers_errors
def event_list(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """List the events, newest first."""
    connection = connections.connection_view(connection_id)
    filters = _filters(request)
    cursor = request.GET.get("cursor") or None
    page = raw_events.raw_event_page(connection_id, filters, cursor=cursor)
    path = reverse("messaging:raw-event-list", args=[connection_id])
    kept = _kept(filters)
    context = {
        "connection": connection,
        "rows": page.rows,
        "next_url": f"{path}?{urlencode({**kept, 'cursor': page.next})}" if page.next else "",
        "filters": filters,
        "is_filtered": bool(kept),
        "is_continued": cursor is not None,
        "tabs": _tabs(path, filters),
        "flags": list(FLAG_WORDS.items()),
        "may_replay": may(request, "events.replay"),
        "self_url": f"{path}?{urlencode(kept)}" if kept else path,
    }
    if not fragment_target(request):
        return render_region(request, "messaging/raw_event_list.html", context)
    partial = "raw_event_rows" if cursor else "raw_event_region"
    return render_region(request, f"messaging/{partial}.html", context)


@requires("events.view")
@require_safe
@answers_errors
def event_detail(request: HttpRequest, connection_id: UUID, event_id: str) -> HttpResponse:
    """Show one event with its redacted body."""
    context = {
        "connection": connections.connection_view(connection_id),
        "event": raw_events.raw_event(connection_id, event_id),
        "may_replay": may(request, "events.replay"),
    }
    return render_region(request, "messaging/raw_event_detail.html", context)


@requires("events.replay")
@require_POST
@answers_errors
def event_replay(request: HttpRequest, connection_id: UUID, event_id: str) -> HttpResponse:
    """Let one failed or kept event be read again."""
    try:
        replay_event(connection_id, event_id)
    except Conflict as error:
        messages.info(request, str(error.message))
    else:
        messages.success(request, _("The event is read again"))
    return redirect("messaging:raw-event-detail", connection_id, event_id)


@requires("events.replay")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def event_replay_many(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Name how many events would be read again, then do it."""
    connection = connections.connection_view(connection_id)
    if request.method == "POST" and first_time(request):
        count = replay_events(connection_id, statuses=_statuses(request.POST.get("estado")))
        words = ngettext("%(n)d event is read again", "%(n)d events are read again", count)
        messages.success(request, words % {"n": count})
        return redirect("messaging:raw-event-list", connection_id)
    status = request.GET.get("estado", "")
    context = {
        "connection": connection,
        "count": replayable_count(connection_id, statuses=_statuses(status)),
        "status": status,
        "status_words": STATUS_WORDS.get(status, ""),
        "form_token": new_form_token(),
    }
    return render(request, "messaging/raw_event_replay.html", context)


def _statuses(raw: str | None) -> tuple[str, ...]:
    if not raw:
        return ("kept", "dead")
    if raw not in {"kept", "dead"}:
        raise bad_filter("estado")
    return (raw,)


def _filters(request: HttpRequest) -> RawEventFilter:
    status, flag = request.GET.get("estado", ""), request.GET.get("marca", "")
    if status and status not in STATUS_WORDS:
        raise bad_filter("estado")
    if flag and flag not in FLAG_WORDS:
        raise bad_filter("marca")
    event = request.GET.get("evento", "").replace("\x00", "").strip()[:80]
    return RawEventFilter(status=status, event=event, flag=flag)


def _kept(filters: RawEventFilter) -> dict[str, str]:
    found = {"estado": filters.status, "evento": filters.event, "marca": filters.flag}
    return {name: value for name, value in found.items() if value}


def _tabs(path: str, filters: RawEventFilter) -> list[dict[str, Any]]:
    kept = {name: value for name, value in _kept(filters).items() if name != "estado"}
    tabs = []
    for status, label in {"": gettext_lazy("All"), **STATUS_WORDS}.items():
        params = {**kept, "estado": status} if status else kept
        url = f"{path}?{urlencode(params)}" if params else path
        tabs.append({"url": url, "label": label, "is_current": status == filters.status})
    return tabs
