"""The review: what waits, what people came to, and one blind question at a time."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analytics.embedded import analyser
from analytics.labelling import drawing, gold, review
from analytics.labelling.tasks import train_booster
from analytics.labelling.training import FEWEST_LABELS
from analytics.labelling.words import BANDS, LEVELS, Word
from analytics.models import Booster, Emotion, Tone
from analytics.views.authors import author_of
from analytics.views.experiments.tabs import laboratory_tabs
from evosense.core.errors import Conflict, DomainError, Invalid
from evosense.core.pages import answers_errors, do_and_say, field_errors, may, user_id
from evosense.core.schema import enqueue
from evosense.core.wording import level_words
from tenancy.permissions import requires

_SHOWN = 50


@requires("labels.review")
@require_safe
@answers_errors
def overview(request: HttpRequest) -> HttpResponse:
    """Show what waits, how far people agree, the frozen sets and the boosters."""
    return _overview(request, {})


@requires("labels.review")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def question(request: HttpRequest) -> HttpResponse:
    """Show the next message, blind; on POST keep what the person says and go on."""
    if request.method != "POST":
        return _question(request, {})
    item_id = _uuid(request.POST.get("item", ""))
    if "skip" in request.POST:
        review.skip(item_id, user_id=user_id(request))
        return _question(request, {}, skipped=item_id)
    try:
        review.answer(item_id, _word(request), user_id=user_id(request), seconds=_seconds(request))
    except Conflict as error:
        messages.info(request, str(error.message))
    except Invalid as error:
        return _question(request, field_errors(error), status=422)
    return redirect("analytics:review-question")


@requires("experiments.manage")
@require_POST
@answers_errors
def draw(request: HttpRequest) -> HttpResponse:
    """Add messages of the last weeks to the queue."""
    try:
        raw = request.POST.get("number", "")
        number = int(raw) if raw.isdecimal() and len(raw) < 6 else 0
        added = drawing.draw(number, seed=int(timezone.now().timestamp()))
    except DomainError as error:
        return _overview(request, field_errors(error), status=422)
    messages.success(request, _("%(number)s messages were added") % {"number": added})
    return redirect("analytics:review")


@requires("experiments.manage")
@require_POST
@answers_errors
def freeze(request: HttpRequest) -> HttpResponse:
    """Make a gold set of everything that people agreed on."""
    try:
        gold.freeze(
            request.POST.get("name", ""),
            created_by=author_of(request).name,
            description=request.POST.get("description", ""),
        )
    except DomainError as error:
        return _overview(request, field_errors(error), status=422)
    messages.success(request, _("The set is frozen"))
    return redirect("analytics:review")


@requires("experiments.manage")
@require_POST
@answers_errors
def train(request: HttpRequest) -> HttpResponse:
    """Have a booster trained by a worker."""

    def begin() -> None:
        have = len(gold.settled(2 * FEWEST_LABELS))
        if have < FEWEST_LABELS:
            message = _("%(number)s labels are needed, there are %(have)s.") % {
                "number": FEWEST_LABELS,
                "have": have,
            }
            raise Conflict("too_few_labels", message)
        enqueue(train_booster)

    do_and_say(request, begin, _("A worker trains it; it appears here"))
    return redirect("analytics:review")


def _overview(request: HttpRequest, errors: dict[str, Any], status: int = 200) -> HttpResponse:
    context = {
        "tabs": laboratory_tabs(request, "review"),
        "counts": review.counts(),
        "counted": review.COUNTED,
        "figures": gold.figures(),
        "looked_at": gold.LOOKED_AT,
        "clear_from": gold.CLEAR_FROM,
        "sets": gold.sets(_SHOWN),
        "boosters": Booster.objects.defer("weights").order_by("-version")[:_SHOWN],
        "analyser": analyser().version,
        "needed": FEWEST_LABELS,
        "fewest": gold.FEWEST,
        "values": request.POST,
        "errors": errors,
        "may_manage": may(request, "experiments.manage"),
    }
    return render(request, "analytics/review/overview.html", context, status=status)


def _question(
    request: HttpRequest, errors: dict[str, Any], *, status: int = 200, skipped: UUID | None = None
) -> HttpResponse:
    found = review.next_question(user_id(request), skipped=skipped)
    context = {
        "question": found,
        "counted": review.COUNTED,
        "errors": errors,
        "values": request.POST if status != 200 else {},
        "levels": list(
            zip([f"{level:g}" for level in LEVELS], level_words(), "12345", strict=True)
        ),
        "emotions": Emotion.choices,
        "tones": Tone.choices,
        "bands": list(zip([str(band) for band in BANDS], _band_words(), strict=True)),
        "began": int(timezone.now().timestamp()),
    }
    return render(request, "analytics/review/question.html", context, status=status)


def _band_words() -> list[str]:
    return [
        _("Very dissatisfied"),
        _("Dissatisfied"),
        _("Neither"),
        _("Satisfied"),
        _("Very satisfied"),
    ]


def _word(request: HttpRequest) -> Word:
    try:
        raw = request.POST.get("sentiment", "")
        band = request.POST.get("satisfaction", "")
        return Word(
            sentiment=float(raw) if raw else None,
            emotion=request.POST.get("emotion", ""),
            satisfaction=int(band) if band else None,
            tone=request.POST.get("tone", ""),
        )
    except ValueError as error:
        raise Invalid("invalid", _("Choose one of the list."), field="sentiment") from error


def _seconds(request: HttpRequest) -> int | None:
    began = request.POST.get("began", "")
    if not began.isdecimal() or len(began) > 12:
        return None
    return int(timezone.now().timestamp()) - int(began)


def _uuid(raw: str) -> UUID:
    try:
        return UUID(raw)
    except ValueError as error:
        raise Invalid("invalid", _("There is no such message to review."), field="item") from error
