"""What judgements are called on the pages: values, reasons and who said so."""

from typing import Any

from django.utils.translation import gettext as _

from analytics.analysis.items import EMBEDDED, NOT_BELIEVED, SUSPICIOUS
from analytics.analysis.paid import BROKEN, BUDGET, NO_PRICE, OTHER_CURRENCY, RUN_BUDGET
from analytics.models.choices import Emotion, Tone
from analytics.providers.shown import problem_words

# A cue's weight from which it counts as strong or clear, and below which it is not worth a word:
# of the embedded analyser's weights half are below 0.11, and one in ten is above 0.27.
STRONG, CLEAR, FAINT = 0.3, 0.15, 0.08
# Distance of the last messages' mean from the first ones' that is worth a word.
MOVED = 0.2


def emotion_words(emotion: str) -> str:
    return str(Emotion(emotion).label) if emotion in Emotion.values else emotion


def tone_words(tone: str) -> str:
    return str(Tone(tone).label) if tone in Tone.values else tone


def certainty_words(confidence: float | None) -> str:
    """Return how sure a judgement is: nothing to see below 0.3."""
    if confidence is None:
        return ""
    if confidence < 0.3:
        return _("nothing to see")
    if confidence < 0.6:
        return _("fairly sure")
    return _("sure") if confidence < 0.85 else _("very sure")


def cue_words(weight: float) -> str:
    """Return how much a piece of the text spoke, and for which side."""
    size = abs(weight)
    if weight < 0:
        if size >= STRONG:
            return _("speaks strongly for dissatisfaction")
        return _("speaks for dissatisfaction") if size >= CLEAR else _("a hint of dissatisfaction")
    if size >= STRONG:
        return _("speaks strongly for satisfaction")
    return _("speaks for satisfaction") if size >= CLEAR else _("a hint of satisfaction")


def reason_words(code: str) -> str:
    """Return why somebody else judged, or nobody; "" without a reason."""
    if code in {"", EMBEDDED}:
        return ""
    own: dict[str, Any] = {
        BUDGET: _("The budget of this month is used up."),
        RUN_BUDGET: _("The experiment's budget is used up."),
        NO_PRICE: _("The model has no price, so the limit in money would not hold. Set a price."),
        OTHER_CURRENCY: _(
            "The model's price is in another currency than the limit in money. Set one in that."
        ),
        BROKEN: _("Something broke here. It has been recorded."),
        SUSPICIOUS: _("The text gives orders to the model, so it was not asked."),
        NOT_BELIEVED: _(
            "The text gives orders to the model. It was asked, but what it said is not believed: "
            "the embedded analyser's values count."
        ),
        "worker_died": _("The work on it broke off several times."),
        "missing": _("The provider left this message out of its answer."),
        "duplicate": _("The provider answered twice and contradicted itself."),
        "out_of_range": _("The provider answered with values that do not exist."),
        "unknown_word": _("The provider answered with words that do not exist."),
        "wrong_type": _("The provider's answer could not be read."),
        "invalid_answer": _("The provider's answer could not be read."),
        "prompt_altered": _("The prompt was altered outside of the application."),
    }
    return str(own.get(code) or problem_words(code))


def trend_words(trend: float | None) -> str:
    """Return how the mood moved from the first messages to the last."""
    if trend is None:
        return ""
    if trend >= MOVED:
        return _("getting better")
    return _("getting worse") if trend <= -MOVED else _("steady")


def category_words(category: str) -> str:
    """Return what a conversation was about."""
    return {
        "entrega": _("Delivery"),
        "cobranca": _("Billing"),
        "troca_devolucao": _("Exchange or return"),
        "defeito": _("Defect"),
        "cancelamento": _("Cancellation"),
        "duvida": _("Question"),
        "agendamento": _("Appointment"),
        "cadastro_acesso": _("Account and access"),
        "elogio": _("Praise"),
        "reclamacao": _("Complaint"),
        "vendas": _("Sales"),
        "outro": _("Other"),
    }.get(category, category)
