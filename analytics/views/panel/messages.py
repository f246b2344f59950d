"""How one message was judged, why, by whom; and what a person says instead.

Judging one now may ask a provider for a minute, so a worker does it and the panel looks for it.
"""

from uuid import UUID

from django.contrib import messages as notes
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HTMX_STOP_POLLING

from analytics.errands import rows
from analytics.errands.asking import ask_judgement
from analytics.labelling.corrections import correct
from analytics.models import Errand
from analytics.models.choices import Emotion, Tone
from analytics.views.errands import state_context
from analytics.views.panel.forms import CorrectionForm, initial_of
from analytics.views.panel.presenting import level_choices, verdict_of
from analytics.views.panel.words import reason_words
from evosense.core.errors import DomainError, NotFound
from evosense.core.htmx import toast, trigger, wants_fragment
from evosense.core.pages import answers_errors, may, user_id
from messaging.models import Message
from messaging.selectors.thread import message_bubble
from tenancy.permissions import requires


@requires("conversations.view")
@require_safe
@answers_errors
def message_panel(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Show how a message was judged; a dialog when htmx asks.

    With `espera` the page only wants to know whether what it waits for is there: until then the
    answer is 204, which changes nothing of a form that somebody fills in meanwhile.
    """
    message = _message(request, message_id)
    if "espera" in request.GET:
        return _looked(request, message)
    return _page(request, message, CorrectionForm(initial=initial_of(message)))


@requires("conversations.reply")
@require_POST
@answers_errors
def message_correct(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Put a person's values in the place of what was judged."""
    message = _message(request, message_id)
    form = CorrectionForm(request.POST)
    if form.is_valid():
        try:
            correct(message_id, form.word(message), user_id=user_id(request))
        except NotFound:
            raise
        except DomainError as error:
            form.refuse(error)
        else:
            return _done(request, message, _("The judgement was corrected"))
    return _page(request, message, form, status=422)


@requires("conversations.reply")
@require_POST
@answers_errors
def message_judge(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Have a message judged now, because it was not, or not by the provider."""
    message = _message(request, message_id)
    ask_judgement(message.public_id, asked_by=user_id(request))
    if not wants_fragment(request):
        return redirect("analytics:message-panel", message.public_id)
    return _page(request, message, CorrectionForm(initial=initial_of(message)))


def _looked(request: HttpRequest, message: Message) -> HttpResponse:
    """Answer a page that waits for a judgement."""
    errand = rows.latest(Errand.Kind.JUDGE, message.public_id)
    if rows.is_open(errand):
        return HttpResponse(status=204)
    outcome = state_context(errand)["outcome"] or reason_words(_error(errand))
    said = outcome or _("The message was analysed")
    return _done(request, message, said, is_bad=bool(outcome), status=HTMX_STOP_POLLING)


def _error(errand: Errand | None) -> str:
    """Return why a judgement that was asked for is not the provider's."""
    return str((errand.result or {}).get("error", "")) if errand else ""


def _message(request: HttpRequest, message_id: UUID) -> Message:
    """Return a message that people can see; raises NotFound."""
    return message_bubble(message_id, show_numbers=may(request, "numbers.view")).message


def _page(
    request: HttpRequest, message: Message, form: CorrectionForm, status: int = 200
) -> HttpResponse:
    """Show the panel: a dialog when htmx asks, only what is in it when it looked for news."""
    errand = rows.latest(Errand.Kind.JUDGE, message.public_id)
    context = state_context(errand) | {
        "verdict": verdict_of(message),
        "message": message,
        "form": form,
        "levels": level_choices(),
        "emotions": Emotion.choices,
        "tones": Tone.choices,
        "may_correct": may(request, "conversations.reply") and message.deleted_at is None,
        "back_url": _thread_url(message),
    }
    name = "message_dialog" if wants_fragment(request) else "message"
    name = "verdict" if status == HTMX_STOP_POLLING else name
    response = render(request, f"analytics/panel/{name}.html", context, status=status)
    patch_vary_headers(response, ("HX-Request",))
    return response


def _done(
    request: HttpRequest, message: Message, said: str, *, is_bad: bool = False, status: int = 200
) -> HttpResponse:
    """Show the panel anew beside a thread that draws itself again."""
    if not wants_fragment(request):
        notes.add_message(request, notes.ERROR if is_bad else notes.SUCCESS, said)
        return redirect("analytics:message-panel", message.public_id)
    fresh = _message(request, message.public_id)
    response = _page(request, fresh, CorrectionForm(initial=initial_of(fresh)), status)
    changed = {"ids": [str(message.conversation.public_id)], "target": "body"}
    return toast(trigger(response, "live:messages", changed), said, "bad" if is_bad else "ok")


def _thread_url(message: Message) -> str:
    path = reverse("messaging:conversation-detail", args=[message.conversation.public_id])
    return f"{path}?mensagem={message.public_id}#m-{message.public_id}"
