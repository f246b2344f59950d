"""What people do with one message: react, forward, edit, delete, send again, look at its story."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evosense.core.errors import DomainError, NotFound
from evosense.core.htmx import Level, toast, trigger, wants_fragment
from messaging.models import Message, MessageMedia
from messaging.selectors import conversations
from messaging.selectors.bubbles import Bubble
from messaging.selectors.conversations import ConversationFilter, ConversationRow
from messaging.selectors.outgoing import SendingView, attempts_of, sending_views
from messaging.services import sending
from messaging.services.media import media_link
from messaging.services.sending.acts import DELETE_WITHIN, EDIT_WITHIN
from messaging.views.common import answers_errors, may, render_region, sees_numbers
from messaging.views.composing import QUICK, find_bubble
from messaging.views.story import story_of
from tenancy.permissions import requires

OFFERED = 8
_EDITED = frozenset({"text", "image", "video", "document"})
_FORWARDED = frozenset({"text", "location", "contact"})
_LEFT = frozenset({"sent", "delivered", "read", "played"})


@dataclass(frozen=True)
class Acts:
    """What this person may do with this message now; the services judge again."""

    may_react: bool
    may_quote: bool
    may_forward: bool
    may_edit: bool
    may_delete: bool
    may_cancel: bool
    own_emoji: str
    text: str
    download_url: str


@dataclass(frozen=True)
class Target:
    """A message and the conversation that the address names it in."""

    row: ConversationRow
    bubble: Bubble

    @property
    def id(self) -> UUID:
        return self.bubble.id

    @property
    def message(self) -> Message:
        return self.bubble.message

    @property
    def url(self) -> str:
        path = reverse("messaging:conversation-detail", args=[self.row.id])
        return f"{path}?mensagem={self.id}#m-{self.id}"


@requires("conversations.view")
@require_safe
@answers_errors
def message_menu(request: HttpRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """List what can be done with a message."""
    target = _target(request, conversation_id, message_id)
    if not wants_fragment(request):
        return redirect("messaging:message-detail", target.row.id, target.id)
    return render_region(request, "messaging/bubble_menu.html", _offered(request, target))


@requires("conversations.view")
@require_safe
@answers_errors
def message_detail(request: HttpRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """Tell when a message reached each state, and what each attempt came to."""
    target = _target(request, conversation_id, message_id)
    context = _offered(request, target) | {
        "message": target.message,
        "story": story_of(target.message, attempts_of(target.id)),
        "back_url": target.url,
    }
    name = "message_dialog" if wants_fragment(request) else "message_detail"
    return render_region(request, f"messaging/{name}.html", context)


@requires("conversations.reply")
@require_POST
@answers_errors
def message_react(request: HttpRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """Put an emoji on a message, or take ours away."""
    target = _target(request, conversation_id, message_id)
    emoji = request.POST.get("emoji", "")
    return _act(request, target, lambda: sending.react(target.id, emoji))


@requires("conversations.reply")
@require_POST
@answers_errors
def message_delete(request: HttpRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """Take a message of ours back, for everybody."""
    target = _target(request, conversation_id, message_id)
    said = _("The message is being deleted for everyone")
    return _act(request, target, lambda: sending.delete_message(target.id), said)


@requires("conversations.reply")
@require_POST
@answers_errors
def message_retry(request: HttpRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """Send again what failed."""
    target = _target(request, conversation_id, message_id)
    return _act(request, target, lambda: sending.retry(target.id))


@requires("conversations.reply")
@require_POST
@answers_errors
def message_cancel(request: HttpRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """Take back what has not begun to leave."""
    target = _target(request, conversation_id, message_id)
    return _act(request, target, lambda: sending.cancel(target.id), _("It will not be sent"))


@requires("conversations.reply")
@require_POST
@answers_errors
def message_resolve(request: HttpRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """Say whether a message arrived whose outcome nobody knows."""
    target = _target(request, conversation_id, message_id)
    answer = request.POST.get("was_sent", "")
    if answer not in {"0", "1"}:
        return _answer(request, target, 422)
    return _act(request, target, lambda: sending.resolve(target.id, was_sent=answer == "1"))


@requires("conversations.reply")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def message_edit(request: HttpRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """Change the text of a message of ours."""
    target = _target(request, conversation_id, message_id)
    text = request.POST.get("text", target.message.text).replace("\r\n", "\n")
    context = {"conversation": target.row, "bubble": target.bubble, "text": text}
    context |= {"submit": _("Change the message"), "title": _("Edit the message")}
    if request.method == "POST":
        try:
            sending.edit_message(target.id, text)
        except DomainError as error:
            return _dialog(request, target, "message_edit", context | {"error": error.message})
        return _answer(request, target, 200)
    return _dialog(request, target, "message_edit", context, 200)


@requires("conversations.reply")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def message_forward(request: HttpRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """Choose a conversation by search, and send a copy of the message there."""
    target = _target(request, conversation_id, message_id)
    query = request.GET.get("q", "").strip()[:200]
    context = {"conversation": target.row, "bubble": target.bubble, "q": query}
    if request.method == "POST":
        return _forward(request, target, context)
    page = conversations.conversation_page(
        ConversationFilter(q=query, writable_only=True),
        limit=OFFERED,
        show_numbers=sees_numbers(request),
    )
    context |= {"rows": page.rows, "title": _("Forward the message")}
    part = getattr(getattr(request, "htmx", None), "target", "") == "forward-rows"
    name = "message_forward_rows" if part else "message_forward"
    return _dialog(request, target, name, context, 200)


def acts_of(bubble: Bubble, view: SendingView | None, *, is_writer: bool) -> Acts:
    """Return what can be done with a message by somebody who may or may not write."""
    message = bubble.message
    is_there = message.deleted_at is None
    has_left = not bubble.is_self or message.status in _LEFT
    is_writer, may_answer = is_writer and is_there, is_writer and is_there and has_left
    age = timezone.now() - message.occurred_at
    is_own = may_answer and bubble.is_self
    return Acts(
        may_react=may_answer,
        may_quote=may_answer,
        may_forward=is_writer and _can_be_copied(bubble),
        may_edit=is_own and message.type in _EDITED and age < EDIT_WITHIN,
        may_delete=is_own and age < DELETE_WITHIN,
        may_cancel=is_writer and view is not None and view.can_cancel,
        own_emoji=next((one.emoji for one in bubble.reactions if one.is_own), ""),
        text=message.text if is_there else "",
        download_url=_download(bubble) if is_there else "",
    )


def _offered(request: HttpRequest, target: Target) -> dict[str, Any]:
    is_writer = may(request, "conversations.reply")
    return {
        "conversation": target.row,
        "bubble": target.bubble,
        "acts": acts_of(target.bubble, _view(target), is_writer=is_writer),
        "quick": QUICK,
    }


def _can_be_copied(bubble: Bubble) -> bool:
    message, media = bubble.message, bubble.media
    if media is not None:
        return media.status == MessageMedia.Status.STORED
    return message.type in _FORWARDED and not message.view_once


def _download(bubble: Bubble) -> str:
    media = bubble.media
    is_kept = media is not None and media.status == MessageMedia.Status.STORED
    return media_link(media, download=True) if is_kept and media else ""


def _target(request: HttpRequest, conversation_id: UUID, message_id: UUID) -> Target:
    row = conversations.conversation(conversation_id, show_numbers=sees_numbers(request))
    bubble = find_bubble(request, row, message_id)
    if bubble is None:
        raise NotFound("message_not_found", "")
    return Target(row, bubble)


def _view(target: Target) -> SendingView | None:
    return sending_views([target.message.pk]).get(target.message.pk)


def _act(
    request: HttpRequest, target: Target, act: Callable[[], Any], said: str = ""
) -> HttpResponse:
    """Do it; a refusal is a note on the page, whose state is drawn again either way."""
    try:
        act()
    except NotFound:
        raise
    except DomainError as error:
        return _say(request, _answer(request, target, 422), error.message, "bad")
    response = _answer(request, target, 200)
    return _say(request, response, said, "info") if said else response


def _say(request: HttpRequest, response: HttpResponse, words: Any, level: Level) -> HttpResponse:
    """Show a short note: on this page, or without script on the one that follows."""
    if wants_fragment(request):
        return toast(response, words, level)
    grade = messages.ERROR if level == "bad" else messages.INFO
    messages.add_message(request, grade, str(words))
    return response


def _answer(request: HttpRequest, target: Target, status: int) -> HttpResponse:
    """Let the thread draw itself again; an empty body also closes a dialog."""
    if not wants_fragment(request):
        return redirect(target.url)
    changed = {"ids": [str(target.row.id)], "target": "body"}
    return trigger(HttpResponse(status=status), "live:messages", changed)


def _dialog(
    request: HttpRequest, target: Target, name: str, context: dict[str, Any], status: int = 422
) -> HttpResponse:
    context |= {"back_url": target.url}
    if wants_fragment(request):
        return render_region(request, f"messaging/{name}.html", context, status)
    context["inner"] = f"messaging/{name}_form.html"
    return render_region(request, "messaging/message_act.html", context, status)


def _forward(request: HttpRequest, target: Target, context: dict[str, Any]) -> HttpResponse:
    try:
        chosen = UUID(request.POST.get("conversation", ""))
    except ValueError:
        return _dialog(request, target, "message_forward", context | {"rows": []})
    to = conversations.conversation(chosen, show_numbers=sees_numbers(request))
    return _act(
        request,
        target,
        lambda: sending.forward_message(target.id, conversation=to.id),
        _("Forwarded to %(name)s") % {"name": to.name},
    )
