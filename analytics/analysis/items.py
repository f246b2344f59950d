"""What is judged, by whom, and under which key the judgement is kept."""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.utils import timezone

from analytics.models import Booster, Inference, PromptTemplate
from analytics.models.judgement import SUMMARY_LENGTH
from analytics.values import Judgement, Turn
from messaging.selectors.wordings import Wording

EMBEDDED = "embedded"
# What a canary writes under: its rows are production's and carry no `run_id`.
CANARY = "canary"
# Errors of what gave orders; the values are those of the embedded analyser. The provider was not
# asked, or it was and is not believed.
SUSPICIOUS = "suspicious_text"
NOT_BELIEVED = "orders_not_believed"
# Of Inference.run_key; a model's name may be as long on its own.
_MODEL_IN_KEY = 80


@dataclass(frozen=True, slots=True)
class Item:
    """One message as analysers read it.

    `version` tells its texts before and after an edit apart: it becomes part of the key.
    """

    message_id: int
    text: str
    context: Sequence[Turn] = ()
    names: Sequence[str] = ()
    version: str = ""


@dataclass(frozen=True, slots=True)
class ArmSpec:
    """Who judges: the embedded analyser (with a booster or not), or a prompt on a model.

    An empty `model` is the provider's own; without a template the house's prompt is used.
    """

    kind: Literal["embedded", "provider"] = "embedded"
    provider_id: UUID | None = None
    model: str = ""
    template: PromptTemplate | None = None
    booster: Booster | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """What every row of one judging carries; a run's id makes it part of an experiment."""

    run_key: str
    run_id: str = ""
    arm_key: str = ""
    is_shadow: bool = False
    # Asks even where the answer is known from before.
    is_fresh: bool = False

    @property
    def experiment(self) -> str:
        """Return the `run_id` of the experiment that pays, a canary's too; "" for none."""
        key, _, run_id = self.run_key.partition(":")
        return self.run_id or (run_id if key == CANARY else "")

    def row(self, item: Item) -> Inference:
        """Return an unsaved row for one item."""
        return Inference(
            message_id=item.message_id,
            run_key=":".join(part for part in (self.run_key, item.version) if part),
            run_id=self.run_id,
            arm_key=self.arm_key,
            is_shadow=self.is_shadow,
            # Said here: a default of the database would make each value of a batch a parameter.
            created_at=timezone.now(),
        )


def live_mark(template_hash: str, model: str) -> Mark:
    """Return the mark of production: one judgement per analyser, model and text."""
    return Mark(run_key=f"live:{template_hash[:16]}:{model[:_MODEL_IN_KEY]}")


def version_of(text: str) -> str:
    """Return a short key of a text, the same for NFC and NFD and any white space."""
    return hashlib.sha256(plain(text).encode()).hexdigest()[:12]


def plain(text: str) -> str:
    """Return NFC text with white space collapsed, as keys read it."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def item_of(wording: Wording, context: Sequence[Turn] = (), names: Sequence[str] = ()) -> Item:
    return Item(wording.message_id, wording.text, context, names, version_of(wording.text))


def put_values(row: Inference, values: Judgement) -> None:
    """Write a judgement on a row and call it done."""
    row.status = Inference.Status.OK
    row.sentiment, row.emotion = values.sentiment, values.emotion
    row.satisfaction, row.tone = values.satisfaction, values.tone
    row.summary = cut(values.summary)
    row.confidence = values.confidence
    row.cues = [{"text": cue.text[:80], "weight": round(cue.weight, 3)} for cue in values.cues[:12]]


def cut(text: str, length: int = SUMMARY_LENGTH) -> str:
    """Return a text of at most `length` characters, ended at a word."""
    text = " ".join(storable(text).split())
    if len(text) <= length:
        return text
    head = text[: length - 1]
    at = head.rfind(" ")
    return (head[:at] if at > length // 2 else head).rstrip() + "…"


def storable(text: str) -> str:
    """Return a model's text without what no row can hold: NUL and halves of surrogate pairs."""
    return text.replace("\x00", " ").encode("utf-8", "ignore").decode()
