"""The composer's acts: send, keep the draft, take files, quote, and tell that somebody types."""

from contextlib import suppress
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseLocation

from evosense.core.errors import Conflict, DomainError, Invalid, NotFound
from evosense.core.htmx import toast, trigger, wants_fragment
from messaging.models import Conversation
from messaging.selectors import conversations
from messaging.selectors.conversations import ConversationRow
from messaging.services import composing, drafts, presence
from messaging.services.composing import Composer
from messaging.services.drafts import Attached, Draft
from messaging.services.media import store_upload
from messaging.views import conversations as pages
from messaging.views.common import answers_errors, render_region, sees_numbers, user_id
from messaging.views.composing import (
    chip_of,
    composer_view,
    find_bubble,
    quote_chip,
    read_draft,
    refusal_of,
)
from tenancy.permissions import requires


@requires("conversations.reply")
@require_safe
@answers_errors
def composer_gate(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Say whether something can be sent now; asked again when the connection changes."""
    row = _row(request, conversation_id)
    if not wants_fragment(request):
        return redirect("messaging:conversation-detail", row.id)
    context = {"conversation": row, "refusal": refusal_of(row)}
    return render_region(request, "messaging/composer_gate.html", context)


@requires("conversations.reply")
@require_POST
@answers_errors
def message_send(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Send what was composed; the same form sends once, however often it comes."""
    row = _row(request, conversation_id)
    draft = read_draft(request.POST)
    try:
        draft = _with_plain_files(request, draft)
        is_first = composing.send_draft(_composer(request, row), draft)
    except DomainError as error:
        return _refused(request, row, draft, str(error.message))
    response = _sent(request, row)
    return response if is_first else toast(response, _("This had already been sent"), "info")


@requires("conversations.reply")
@require_POST
@answers_errors
def draft_save(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Keep what was typed so far."""
    row = _row(request, conversation_id)
    draft = read_draft(request.POST)
    is_kept = drafts.save_draft(row.pk, user_id(request), draft)
    return HttpResponse(_("Draft saved") if is_kept and not draft.is_empty else "")


@requires("conversations.reply")
@require_POST
@answers_errors
def attachment_add(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Take one file for the message that is being written."""
    row = _row(request, conversation_id)
    is_voice = request.POST.get("voice") == "1"
    template, context = "messaging/composer_file.html", {"conversation": row}
    file = request.FILES.get("file")
    if file is None:
        return render_region(request, template, context | {"error": _("Choose a file.")}, 422)
    name = file.name or ""
    try:
        upload = store_upload(file, name)
    except Invalid as error:
        refused = context | {"error": error.message, "name": name[-80:]}
        return render_region(request, template, refused, 422)
    return render_region(request, template, context | {"chip": chip_of(upload, is_voice=is_voice)})


@requires("conversations.reply")
@require_safe
@answers_errors
def message_quote(request: HttpRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """Put a message above the text, to be answered."""
    row = _row(request, conversation_id)
    bubble = find_bubble(request, row, message_id)
    if bubble is None or bubble.message.deleted_at:
        raise NotFound("message_not_found", "")
    if not wants_fragment(request):
        # Without script the quote travels in the draft.
        kept = drafts.draft_of(row.pk, user_id(request))
        quoting = Draft(kept.key, kept.text, kept.uploads, bubble.id)
        drafts.save_draft(row.pk, user_id(request), quoting)
        return redirect("messaging:conversation-detail", row.id)
    context = {"quote": quote_chip(bubble)}
    return render_region(request, "messaging/composer_quote.html", context)


@requires("conversations.reply")
@require_POST
@answers_errors
def typing_tell(_request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Let the customer see that somebody types; as often as pages ask, at most every 5 s."""
    conversation = conversations.conversation_to_write(conversation_id)
    if conversation.kind == Conversation.Kind.PERSON:
        # The composer already says why nothing can be sent.
        with suppress(Conflict):
            presence.tell(conversation)
    return HttpResponse(status=204)


def _row(request: HttpRequest, conversation_id: UUID) -> ConversationRow:
    return conversations.conversation(conversation_id, show_numbers=sees_numbers(request))


def _composer(request: HttpRequest, row: ConversationRow) -> Composer:
    return Composer(conversation_pk=row.pk, conversation_id=row.id, user_id=user_id(request))


def _with_plain_files(request: HttpRequest, draft: Draft) -> Draft:
    """Add the files of a form that was sent without script, where nothing uploads them before."""
    added = tuple(
        Attached(store_upload(file, file.name or "").public_id)
        for file in request.FILES.getlist("files")
    )
    return Draft(draft.key, draft.text, (*draft.uploads, *added), draft.quoted)


def _refused(request: HttpRequest, row: ConversationRow, draft: Draft, reason: str) -> HttpResponse:
    composer = composer_view(request, row, draft, reason)
    if not wants_fragment(request):
        return pages.show_conversation(request, row, composer=composer, status=422)
    context = {"conversation": row, "composer": composer}
    return render_region(request, "messaging/composer_parts.html", context, 422)


def _sent(request: HttpRequest, row: ConversationRow) -> HttpResponse:
    path = reverse("messaging:conversation-detail", args=[row.id])
    if not wants_fragment(request):
        return redirect(path)
    if request.POST.get("latest") != "1":
        # Somebody read old messages: show the end, where the new one is.
        return HttpResponseLocation(path, target="#thread", swap="outerHTML")
    context = {"conversation": row, "composer": composer_view(request, row)}
    response = render_region(request, "messaging/composer_parts.html", context)
    return trigger(response, "live:messages", {"ids": [str(row.id)]})
