"""One message's judgement as its panel shows it: values in words, cues, who said so, what waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from analytics.analysis.items import NOT_BELIEVED
from analytics.analysis.selectors import states_of
from analytics.labelling.words import LEVELS
from analytics.models import AnalysisJob, Inference, Label, ModelCall
from analytics.providers.money import money_words
from analytics.selectors.told import production_rows
from analytics.values import FEWEST_CONFIDENCE
from analytics.views.panel import words
from messaging.models import Message
from messaging.selectors.judged import PERSON, sentiment_level
from messaging.selectors.wordings import wordings_of


@dataclass(frozen=True)
class Piece:
    """A piece of the text; `why` is "" for what spoke for nothing."""

    text: str
    why: str = ""


@dataclass(frozen=True)
class Verdict:
    """Everything the panel says of one message."""

    message: Message
    text: str
    level: int | None
    is_sure: bool
    certainty: str
    emotion: str
    tone: str
    pieces: list[Piece]
    cues: list[Piece]
    producer: str
    model: str
    prompt_version: str
    judged_at: datetime | None
    state: str
    state_words: str
    reason: str
    # Who was asked and is not believed, and what that cost; "" when nobody was.
    asked: str
    next_try: datetime | None

    @property
    def is_judged(self) -> bool:
        return bool(self.message.judged_by)

    @property
    def is_person(self) -> bool:
        return self.message.judged_by == PERSON

    @property
    def may_be_asked(self) -> bool:
        """Whether asking again now could change something."""
        return bool(self.text) and not self.is_person and self.state != "done"


def verdict_of(message: Message) -> Verdict:
    """Return what is known of a message's judgement, in a fixed number of queries."""
    wording = wordings_of([message.pk])
    text = wording[0].text if wording else ""
    row = production_rows([message.pk]).get(message.pk)
    waits = states_of([message.pk]).get(message.pk, "")
    job = AnalysisJob.objects.filter(pk=message.pk).first() if waits else None
    is_person = message.judged_by == PERSON
    # Reasons of an analyser are none of a person's.
    cues = [
        cue
        for cue in (row.cues if row and not is_person else [])
        if abs(float(cue["weight"])) >= words.FAINT
    ]
    state = _state(message, waits)
    return Verdict(
        message=message,
        text=text,
        level=sentiment_level(message.sentiment),
        is_sure=is_person or (message.confidence or 0) >= FEWEST_CONFIDENCE,
        certainty=words.certainty_words(message.confidence),
        emotion=words.emotion_words(message.emotion),
        tone=words.tone_words(message.tone),
        pieces=pieces_of(text, cues),
        cues=_listed(cues),
        producer=_producer(message, row),
        model=row.model_name if row and not is_person else "",
        prompt_version=row.prompt_version if row and not is_person else "",
        judged_at=_judged_at(message, row),
        state=state,
        state_words=_state_words(state, is_judged=bool(message.judged_by)),
        reason=_reason(message, row, job),
        asked=_asked(row) if row and not is_person else "",
        next_try=job.not_before if job and state == "deferred" else None,
    )


def pieces_of(text: str, cues: Sequence[dict[str, Any]]) -> list[Piece]:
    """Return the text cut at its cues; a cue that is not found in it marks nothing."""
    # A letter that becomes two would shift every place behind it.
    folded = text.lower() if len(text.lower()) == len(text) else text
    places: list[tuple[int, int, str]] = []
    for cue in cues:
        wanted = str(cue["text"]).strip()
        at = folded.find(wanted.lower()) if wanted else -1
        end = at + len(wanted)
        if at >= 0 and not any(at < stop and start < end for start, stop, _why in places):
            places.append((at, end, words.cue_words(float(cue["weight"]))))
    pieces, done = [], 0
    for start, stop, why in sorted(places):
        pieces += [Piece(text[done:start]), Piece(text[start:stop], why)]
        done = stop
    return [piece for piece in (*pieces, Piece(text[done:])) if piece.text]


def level_choices() -> list[int]:
    return list(range(1, len(LEVELS) + 1))


def _listed(cues: Sequence[dict[str, Any]]) -> list[Piece]:
    ranked = sorted(cues, key=lambda cue: -abs(float(cue["weight"])))
    return [Piece(str(cue["text"]), words.cue_words(float(cue["weight"]))) for cue in ranked]


def _state(message: Message, waits: str) -> str:
    if message.judged_by == PERSON:
        return "done"
    return waits or ("done" if message.judged_by else "none")


def _state_words(state: str, *, is_judged: bool) -> str:
    if state == "pending":
        if is_judged:
            return _("The text changed; the message waits to be judged again.")
        return _("Waits to be judged.")
    if state == "deferred":
        return _("Judged by the embedded analyser meanwhile; the provider is asked again later.")
    if state == "failed":
        return _("Could not be judged.")
    return "" if is_judged else _("Not analysed.")


def _producer(message: Message, row: Inference | None) -> str:
    return {
        "": "",
        "embedded": _("Embedded analyser"),
        "degraded": _("Embedded analyser, standing in for the provider"),
        "provider": row.provider if row else _("Provider"),
        PERSON: _("Corrected by a person"),
    }.get(message.judged_by, message.judged_by)


def _judged_at(message: Message, row: Inference | None) -> datetime | None:
    if message.judged_by != PERSON:
        return row.created_at if row and message.judged_by else None
    labels = Label.objects.filter(message_id=message.pk, is_current=True)
    return labels.order_by("-created_at").values_list("created_at", flat=True).first()


def _reason(message: Message, row: Inference | None, job: AnalysisJob | None) -> str:
    if message.judged_by == PERSON:
        return ""
    return words.reason_words((job.error if job else "") or (row.error if row else ""))


def _asked(row: Inference) -> str:
    if row.error != NOT_BELIEVED or row.call_id is None:
        return ""
    # Calls are forgotten before judgements are.
    call = ModelCall.objects.filter(pk=row.call_id).first()
    if call is None:
        return ""
    said = {
        "provider": call.provider_name,
        "model": call.model_requested,
        "tokens": row.input_tokens + row.output_tokens,
        "cost": money_words(row.cost_micros, call.currency),
    }
    return _("Asked: %(provider)s · %(model)s · %(tokens)d tokens · %(cost)s") % said
