"""What the search page shows, in words and figures: chips, rows, bars."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from analytics.models.choices import Emotion
from analytics.search.hits import Hit
from analytics.search.parameters import NEITHER, Parameters
from analytics.search.spread import Spread, Step
from evosense.core.charts import bars, nice_top
from evosense.core.wording import number_words
from messaging.selectors.matches import connection_name, conversation_name, person_name

# Values below it say "nothing to see" (analytics/values.py); a face would claim more.
_CERTAIN = 0.3
_FACES = ((-0.5, 1), (-NEITHER, 2), (NEITHER, 3), (0.5, 4))


@dataclass(frozen=True)
class Chip:
    """A filter that narrows the search now, and the address without it."""

    label: str
    without_url: str


@dataclass(frozen=True)
class Row:
    """One hit with its address: the thread, open at the message."""

    hit: Hit
    url: str
    face: int | None

    @property
    def who(self) -> Any:
        return self.hit.message.contact

    @property
    def topic(self) -> str:
        """What message and query are about, in a word; "" when no word of ours says it."""
        return next((one.text for one in self.hit.reasons if one.kind == "meaning"), "")

    @property
    def is_own(self) -> bool:
        return self.hit.message.direction == "outbound"


def row(hit: Hit) -> Row:
    """Return a hit as the list shows it."""
    message = hit.message
    path = reverse("messaging:conversation-detail", args=[message.conversation])
    return Row(hit, f"{path}?mensagem={message.id}#m-{message.id}", _face(hit))


def _face(hit: Hit) -> int | None:
    message = hit.message
    is_sure = message.judged_by == "person" or (message.confidence or 0) >= _CERTAIN
    if message.sentiment is None or not is_sure:
        return None
    return next((level for below, level in _FACES if message.sentiment < below), 5)


def address_context(parameters: Parameters, *, show_numbers: bool) -> dict[str, Any]:
    """Return what the box and its filters show."""
    path = reverse("analytics:search")
    return {
        "parameters": parameters,
        "values": dict(parameters.values),
        "mode": parameters.mode,
        "modes": mode_choices(),
        "chips": _chips(parameters, path, show_numbers=show_numbers),
        "sentiments": [(key, words) for key, words in sentiment_words().items()],
        "emotions": Emotion.choices,
        "directions": [("inbound", _("Received")), ("outbound", _("Sent"))],
        "search_url": path,
        "cleared_url": Parameters(
            {name: text for name, text in parameters.values.items() if name in {"q", "modo"}}
        ).address(path),
    }


def mode_choices() -> list[tuple[str, str]]:
    """Return the three ways to search."""
    return [("meaning", _("Meaning")), ("words", _("Words")), ("combined", _("Combined"))]


def sentiment_words() -> dict[str, str]:
    """Return the words for what a message's sentiment may be narrowed to."""
    return {"negative": _("Negative"), "neutral": _("Neutral"), "positive": _("Positive")}


def orders(parameters: Parameters) -> dict[str, Any]:
    """Return the link to the other order, and what the present one is called."""
    path = reverse("analytics:search")
    newest = parameters.is_newest_first
    url = parameters.address(path, drop=("ordem",), **({} if newest else {"ordem": "newest"}))
    return {"label": _("Newest first") if newest else _("Nearest first"), "url": url}


def unavailable_words(code: str) -> str:
    """Return why the meaning of messages was left out, "" when it was not."""
    if not code:
        return ""
    if code == "nothing_placed":
        return _("No message has been prepared for the search by meaning yet.")
    return _("The provider that compares meanings does not answer; these are the words alone.")


def _chips(parameters: Parameters, path: str, *, show_numbers: bool) -> list[Chip]:
    told = {name: text for name, text in parameters.values.items() if name in _WORDS}
    return [
        Chip(_WORDS[name](text, show_numbers=show_numbers), parameters.address(path, drop=(name,)))
        for name, text in told.items()
    ]


def _of_connection(text: str, **_reader: Any) -> str:
    return connection_name(UUID(text)) or _("unknown connection")


def _of_person(text: str, **reader: Any) -> str:
    return person_name(UUID(text), **reader) or _("unknown contact")


def _of_conversation(text: str, **reader: Any) -> str:
    name = conversation_name(UUID(text), **reader) or _("unknown conversation")
    return _("In the conversation with %(name)s") % {"name": name}


def _day(text: str) -> str:
    return date_format(date.fromisoformat(text), "SHORT_DATE_FORMAT")


def _of_direction(text: str, **_reader: Any) -> str:
    return _("Only received") if text == "inbound" else _("Only sent")


_WORDS: dict[str, Callable[..., str]] = {
    "conexao": _of_connection,
    "conversa": _of_conversation,
    "pessoa": _of_person,
    "quem": lambda text, **_r: f"“{text}”",
    "desde": lambda text, **_r: _("Since %(day)s") % {"day": _day(text)},
    "ate": lambda text, **_r: _("Until %(day)s") % {"day": _day(text)},
    "direcao": _of_direction,
    "sentimento": lambda text, **_r: sentiment_words()[text],
    "emocao": lambda text, **_r: str(Emotion(text).label),
    "satisfacao_min": lambda text, **_r: _("Satisfaction from %(n)s") % {"n": text},
    "satisfacao_max": lambda text, **_r: _("Satisfaction up to %(n)s") % {"n": text},
}


def spread_context(found: Spread) -> dict[str, Any]:
    """Return the bars of when, and the list of where."""
    top = nice_top([step.hits for step in found.steps])
    labels = [_step_words(step, found.days) for step in found.steps]
    return {
        "conversations": found.conversations,
        "when": bars(
            [step.hits for step in found.steps],
            labels=labels,
            top=top,
            now=len(found.steps) - 1,
        ),
        "when_ticks": [number_words(top * share) for share in (1, 0.5, 0)],
        "when_ends": _ends(found.steps),
        "where": [(one, round(100 * one.hits / found.where[0].hits)) for one in found.where],
    }


def _step_words(step: Step, days: int) -> str:
    start = date_format(step.start, "SHORT_DATE_FORMAT")
    return start if days == 1 else _("%(n)d days from %(day)s") % {"n": days, "day": start}


def _ends(steps: Sequence[Step]) -> list[str]:
    return [date_format(one.start, "SHORT_DATE_FORMAT") for one in (*steps[:1], *steps[1:][-1:])]
