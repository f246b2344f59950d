"""What a whole conversation came to, asked for when somebody wants it; and replies to choose from.

Asking a provider takes seconds, so the analysis is queued and the panel looks for it.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analytics.analysis.replies import suggest_replies
from analytics.analysis.selectors import conversation_analysis
from analytics.analysis.tasks import analyse_silent_conversation
from analytics.models import ConversationAnalysis
from analytics.values import FEWEST_CONFIDENCE
from analytics.views.panel import words
from evosense.core.errors import DomainError
from evosense.core.htmx import wants_fragment
from evosense.core.pages import answers_errors, may
from messaging.models import Conversation
from messaging.selectors.conversations import conversation_model
from messaging.selectors.judged import sentiment_level
from messaging.selectors.wordings import counts_after, public_ids_of
from tenancy.db.tickets import fair_enqueue
from tenancy.permissions import requires

# Looks of two seconds each; a provider has 45 seconds, and others may be before it.
MOST_LOOKS = 45


@requires("conversations.view")
@require_safe
@answers_errors
def conversation_panel(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Show the latest analysis; only its section when htmx asks."""
    talk = conversation_model(conversation_id)
    found = conversation_analysis(talk.pk)
    looks = _number(request.GET.get("vez"))
    is_new = (found.pk if found else 0) > _number(request.GET.get("desde"))
    context = _context(request, talk, found)
    if looks and not is_new:
        context |= _waiting(looks, _number(request.GET.get("desde")))
    return _answer(request, context)


@requires("conversations.reply")
@require_POST
@answers_errors
def conversation_analyse(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Have a conversation analysed as far as it went."""
    talk = conversation_model(conversation_id)
    found = conversation_analysis(talk.pk)
    fair_enqueue("ai", analyse_silent_conversation, conversation_pk=talk.pk, trigger="asked")
    if not wants_fragment(request):
        path = reverse("analytics:conversation-panel", args=[talk.public_id])
        return redirect(f"{path}?vez=1&desde={found.pk if found else 0}")
    context = _context(request, talk, found) | _waiting(1, found.pk if found else 0)
    return _answer(request, context)


@requires("conversations.reply")
@require_POST
@answers_errors
def conversation_replies(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Suggest replies in three tones to what the customer said last. Nothing is sent."""
    talk = conversation_model(conversation_id)
    name = str(getattr(request.user, "name", "") or "")
    context: dict[str, Any] = {"conversation": talk, "back_url": _thread_url(talk)}
    status = 200
    try:
        found = suggest_replies(talk.pk, agent=name)
    except DomainError as error:
        context["refusal"], status = error.message, 422
    else:
        context["suggestions"] = [
            {"tone": words.tone_words(one.tone), "text": one.text} for one in found.suggestions
        ]
        context["reason"] = words.reason_words(found.error)
        context["producer"] = _producer_name(found.provider)
    name = "replies" if wants_fragment(request) else "replies_page"
    return render(request, f"analytics/panel/{name}.html", context, status=status)


def _answer(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    name = "conversation" if wants_fragment(request) else "conversation_page"
    response = render(request, f"analytics/panel/{name}.html", context)
    patch_vary_headers(response, ("HX-Request",))
    return response


def _context(
    request: HttpRequest, talk: Conversation, found: ConversationAnalysis | None
) -> dict[str, Any]:
    context: dict[str, Any] = {
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


def _waiting(looks: int, since: int) -> dict[str, Any]:
    """Return what lets the section look again, until it has looked often enough."""
    if looks > MOST_LOOKS:
        return {"is_late": True}
    return {"look_again": f"?vez={looks + 1}&desde={since}"}


def _thread_url(talk: Conversation) -> str:
    return reverse("messaging:conversation-detail", args=[talk.public_id])


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else 0
