"""What analysers read and say, whichever of them it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

# Values below this say "nothing to see": they are shown as such and left out of means.
FEWEST_CONFIDENCE = 0.3
SUMMARY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """A message of the context: `who` is "C" for the customer, "A" for the company."""

    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Cue:
    """A piece of the text that spoke for a value; `weight` above 0 is for the better."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """Sentiment -1..1, satisfaction 0..100, confidence 0..1; words of `models.choices`."""

    sentiment: float
    emotion: str
    satisfaction: int
    tone: str
    summary: str
    confidence: float
    cues: tuple[Cue, ...] = ()


class Analyser(Protocol):
    """Judges texts that belong to one company; never raises for what a text contains."""

    version: str

    def judge(
        self, texts: Sequence[str], contexts: Sequence[Sequence[Turn]] | None = None
    ) -> list[Judgement]: ...
