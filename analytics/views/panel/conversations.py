"""What a whole conversation came to, asked for when somebody wants it; and replies to choose from.

Asking a provider takes seconds, so a worker does it and the panel looks for what came of it.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analytics.analysis.selectors import conversation_analysis
from analytics.errands import rows
from analytics.errands.asking import ask_analysis, ask_replies
from analytics.models import ConversationAnalysis, Errand
from analytics.values import FEWEST_CONFIDENCE
from analytics.views.errands import state_context
from analytics.views.panel import words
from evosense.core.errors import Conflict
from evosense.core.htmx import wants_fragment
from evosense.core.pages import answers_errors, may, user_id
from messaging.models import Conversation
from messaging.selectors.conversations import conversation_model
from messaging.selectors.judged import sentiment_level
from messaging.selectors.wordings import counts_after, public_ids_of
from tenancy.permissions import requires


@requires("conversations.view")
@require_safe
@answers_errors
def conversation_panel(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Show the latest analysis; only its section when htmx asks."""
    return _answer(request, conversation_model(conversation_id))


@requires("conversations.reply")
@require_POST
@answers_errors
def conversation_analyse(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Have a conversation analysed as far as it went."""
    talk = conversation_model(conversation_id)
    ask_analysis(talk.public_id, asked_by=user_id(request))
    if not wants_fragment(request):
        return redirect("analytics:conversation-panel", talk.public_id)
    return _answer(request, talk)


@requires("conversations.reply")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def conversation_replies(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Show the replies suggested to this person last; on POST have new ones suggested.

    Three tones, to what the customer said last. Nothing is sent.
    """
    talk = conversation_model(conversation_id)
    if request.method == "POST":
        name = str(getattr(request.user, "name", "") or "")
        try:
            ask_replies(talk.public_id, asked_by=user_id(request), agent=name)
        except Conflict as error:
            return _replies(request, talk, {"outcome": error.message}, status=422)
        if not wants_fragment(request):
            return redirect("analytics:conversation-replies", talk.public_id)
    errand = rows.latest(Errand.Kind.REPLIES, talk.public_id, asked_by=user_id(request))
    return _replies(request, talk, state_context(errand) | _suggested(errand))


def _suggested(errand: Errand | None) -> dict[str, Any]:
    found = errand.result if errand else None
    if found is None:
        return {}
    return {
        "suggestions": [
            {"tone": words.tone_words(one["tone"]), "text": one["text"]}
            for one in found["suggestions"]
        ],
        "reason": words.reason_words(found["error"]),
        "producer": _producer_name(found["provider"]),
    }


def _replies(
    request: HttpRequest, talk: Conversation, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    name = "replies" if wants_fragment(request) else "replies_page"
    context |= {"conversation": talk, "back_url": _thread_url(talk)}
    response = render(request, f"analytics/panel/{name}.html", context, status=status)
    patch_vary_headers(response, ("HX-Request",))
    return response


def _answer(request: HttpRequest, talk: Conversation) -> HttpResponse:
    name = "conversation" if wants_fragment(request) else "conversation_page"
    context = _context(request, talk, conversation_analysis(talk.pk))
    response = render(request, f"analytics/panel/{name}.html", context)
    patch_vary_headers(response, ("HX-Request",))
    return response


def _context(
    request: HttpRequest, talk: Conversation, found: ConversationAnalysis | None
) -> dict[str, Any]:
    context: dict[str, Any] = _under_way(request, talk, found) | {
        "conversation": talk,
        "found": found,
        "back_url": _thread_url(talk),
        "may_ask": may(request, "conversations.reply"),
    }
    if found is None:
        return context
    newer = counts_after({talk.pk: found.through_message_id}).get(talk.pk, 0)
    is_sure = (found.confidence or 0) >= FEWEST_CONFIDENCE
    return context | {
        "newer": newer,
        "is_outdated": bool(newer) or found.is_degraded,
        "level": sentiment_level(found.sentiment) if is_sure else None,
        "category": words.category_words(found.category),
        "certainty": words.certainty_words(found.confidence),
        "trend": words.trend_words(found.trend),
        "reason": words.reason_words(found.error),
        "producer": _producer_name(found.provider),
        "evidence": _evidence(talk, found),
    }


def _producer_name(provider: str) -> str:
    return _("Embedded analyser") if provider == "embedded" else provider


def _evidence(talk: Conversation, found: ConversationAnalysis) -> list[str]:
    """Return the addresses of the messages that are named as evidence, in their order."""
    ids = [pk for pk in found.evidence if isinstance(pk, int)]
    public = public_ids_of(ids)
    path = reverse("messaging:conversation-detail", args=[talk.public_id])
    return [f"{path}?mensagem={public[pk]}#m-{public[pk]}" for pk in ids if pk in public]


def _under_way(
    request: HttpRequest, talk: Conversation, found: ConversationAnalysis | None
) -> dict[str, Any]:
    """Return what this person waits for: an analysis that is not there yet, or replies."""
    errand = rows.latest(Errand.Kind.CONVERSATION, talk.public_id)
    if errand and found and found.created_at > errand.created_at:
        errand = None
    replies = rows.latest(Errand.Kind.REPLIES, talk.public_id, asked_by=user_id(request))
    return state_context(errand) | {"awaits_replies": rows.is_open(replies)}


def _thread_url(talk: Conversation) -> str:
    return reverse("messaging:conversation-detail", args=[talk.public_id])
