"""The conversation pages: list, thread, panel, and the fragments they are made of."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from evosense.core.errors import NotFound
from evosense.core.htmx import toast, wants_fragment
from messaging.models import Connection
from messaging.selectors import contacts, conversations
from messaging.selectors.choices import unread_totals
from messaging.selectors.connections import connection_model
from messaging.selectors.conversations import ConversationRow
from messaging.selectors.outgoing import sending_views
from messaging.selectors.thread import (
    ThreadPage,
    message_bubble,
    message_versions,
    thread_page,
)
from messaging.selectors.uptime import tone_of
from messaging.services import reading, sending
from messaging.views.bubbles import ThreadStyle, thread_lines
from messaging.views.common import (
    answers_errors,
    fragment_target,
    may,
    parse_uuid,
    render_region,
    sees_numbers,
)
from messaging.views.composing import EMOJI, ComposerView, composer_view
from messaging.views.inbox import ListItem, ListQuery, frame_context, list_context
from tenancy.permissions import requires

PAGE = "messaging/conversation_list.html"


@requires("conversations.view")
@require_safe
@answers_errors
def conversation_list(request: HttpRequest) -> HttpResponse:
    """Show the list with no conversation open, or the region that htmx asks for."""
    query = ListQuery.of(request)
    target = fragment_target(request)
    if target == "thread":
        return render_region(
            request, "messaging/thread_none_region.html", {"query": query, "is_fragment": True}
        )
    context = list_context(request, query)
    if target and context["is_continued"]:
        return render_region(request, "messaging/conversation_rows.html", context)
    context |= frame_context(query)
    if target:
        return render_region(request, "messaging/conversation_items.html", context)
    return render_region(request, PAGE, context)


@requires("conversations.view")
@require_safe
@answers_errors
def conversation_detail(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Show one conversation beside the list; only thread and panel when htmx asks."""
    row = conversations.conversation(conversation_id, show_numbers=sees_numbers(request))
    if row.id != conversation_id:
        return redirect(_with_query(request, row.id), permanent=False)
    return show_conversation(request, row, composer=composer_view(request, row))


def show_conversation(
    request: HttpRequest, row: ConversationRow, *, composer: ComposerView | None, status: int = 200
) -> HttpResponse:
    """Return one conversation beside the list; only thread and panel when htmx asks."""
    query = ListQuery.of(request)
    context = _thread_context(request, row, query) | {"composer": composer, "emoji": EMOJI}
    if may(request, "contacts.view"):
        context["detail"] = contacts.contact_detail(
            row.contact.id, show_numbers=sees_numbers(request)
        )
    if fragment_target(request):
        return render_region(request, "messaging/thread_region.html", context, status)
    context |= list_context(request, query, current=row.id) | frame_context(query)
    return render_region(request, PAGE, context, status)


@requires("conversations.view")
@require_safe
@answers_errors
def conversation_messages(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Return the lines before a cursor, or the newest ones; without htmx the whole page."""
    row = conversations.conversation(conversation_id, show_numbers=sees_numbers(request))
    if not wants_fragment(request):
        return redirect(_with_query(request, conversation_id), permanent=False)
    context = _thread_context(request, row, ListQuery.of(request))
    return render_region(request, "messaging/thread_lines.html", context)


@requires("conversations.view")
@require_safe
@answers_errors
def message_versions_view(
    request: HttpRequest, conversation_id: UUID, message_id: UUID
) -> HttpResponse:
    """Show what a message said before it was edited or deleted, to people who may answer."""
    allowed = may(request, "conversations.reply")
    row = conversations.conversation(conversation_id, show_numbers=sees_numbers(request))
    bubble = message_bubble(message_id, show_numbers=sees_numbers(request))
    if not allowed or bubble.message.conversation_id != row.pk:
        raise NotFound("message_not_found", "")
    context = {
        "conversation": row,
        "bubble": bubble,
        "versions": message_versions(bubble.message),
        "back_url": _message_url(row.id, message_id),
    }
    template = "version_list" if wants_fragment(request) else "message_versions"
    return render_region(request, f"messaging/{template}.html", context)


@requires("conversations.reply")
@require_POST
@answers_errors
def conversation_read(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Mark a conversation read, because somebody looks at its end."""
    row = conversations.conversation(conversation_id, show_numbers=sees_numbers(request))
    reading.mark_read(row.pk, until=_seen_until(request, row.last_message_at))
    # Where the server marks everything at once there is nothing left to tell.
    if not connection_model(row.connection.id).settings.get("read_messages"):
        sending.mark_read(row.id)
    return _after_marking(request, row.id, is_unread=False)


@requires("conversations.reply")
@require_POST
@answers_errors
def conversation_unread(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Mark a conversation unread again, to come back to it."""
    row = conversations.conversation(conversation_id, show_numbers=sees_numbers(request))
    reading.mark_unread(row.pk)
    return _after_marking(request, row.id, is_unread=True)


@requires("conversations.view")
@require_safe
def unread_count(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Return the number for the navigation, empty when everything is read."""
    total, _messages = unread_totals()
    return HttpResponse(f"{total if total <= 99 else '99+'}" if total else "")


def _after_marking(request: HttpRequest, conversation_id: UUID, *, is_unread: bool) -> HttpResponse:
    query = ListQuery.of(request)
    if not wants_fragment(request):
        path = reverse("messaging:conversation-list")
        if not is_unread:
            path = reverse("messaging:conversation-detail", args=[conversation_id])
        return redirect(query.address(path))
    row = conversations.conversation(conversation_id, show_numbers=sees_numbers(request))
    url = reverse("messaging:conversation-detail", args=[row.id])
    item = ListItem(row, query.address(url), is_current=not is_unread)
    context = {"item": item, "conversation": row, "is_unread": is_unread, "query": query}
    response = render(request, "messaging/conversation_marked.html", context)
    return toast(response, _("Marked as unread")) if is_unread else response


def _seen_until(request: HttpRequest, newest: datetime) -> datetime:
    """Return the time of the last message that was on the page, the newest when it is not told.

    Pages tell whole seconds; what happened within that second was shown as well.
    """
    try:
        seen = datetime.fromisoformat(request.POST.get("ate", ""))
    except ValueError:
        return newest
    return seen.replace(microsecond=999_999) if seen.tzinfo else newest


def _thread_context(request: HttpRequest, row: ConversationRow, query: ListQuery) -> dict[str, Any]:
    target = parse_uuid(request.GET.get("mensagem", ""), "mensagem")
    before = request.GET.get("antes") or None
    page = thread_page(row.pk, before=before, around=target, show_numbers=sees_numbers(request))
    path = reverse("messaging:conversation-detail", args=[row.id])
    return {
        "conversation": row,
        "lines": thread_lines(page.bubbles, _style(row, page, target)),
        "older": page.older,
        "is_latest": page.newer is None,
        "seen_until": page.bubbles[-1].occurred_at.isoformat() if page.bubbles else "",
        "query": query,
        "query_string": urlencode(query.params),
        "list_back_url": query.address(reverse("messaging:conversation-list")),
        "thread_url": path,
        "latest_url": query.address(path),
        "may_reply": may(request, "conversations.reply"),
        "may_reveal": may(request, "conversations.reply"),
        "sees_numbers": sees_numbers(request),
        "raw_url": _raw_url(request, row),
        "connection_tone": tone_of(row.connection.state),
        "mark": (row.connection.color - 1) % 4 + 1,
    }


def _style(row: ConversationRow, page: ThreadPage, target: UUID | None) -> ThreadStyle:
    return ThreadStyle(
        now=timezone.now(),
        is_group=row.is_group,
        read_until=row.read_until,
        unread_count=row.unread_count if page.newer is None else 0,
        target=target,
        sending=sending_views([one.message.pk for one in page.bubbles if one.is_self]),
        is_waiting_for_number=row.connection.state != Connection.State.CONNECTED,
    )


def _raw_url(request: HttpRequest, row: ConversationRow) -> str:
    if not may(request, "events.view"):
        return ""
    return reverse("messaging:raw-event-list", args=[row.connection.id])


def _message_url(conversation_id: UUID, message_id: UUID) -> str:
    path = reverse("messaging:conversation-detail", args=[conversation_id])
    return f"{path}?mensagem={message_id}#m-{message_id}"


def _with_query(request: HttpRequest, conversation_id: UUID) -> str:
    path = reverse("messaging:conversation-detail", args=[conversation_id])
    kept = request.GET.urlencode()
    return f"{path}?{kept}" if kept else path
