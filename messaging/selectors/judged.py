"""How the analysis of messages stands. The values are on the messages; what made them is told.

Judging lives in analytics, which is above this app; it tells through `register_lookup`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from messaging.models import Message

PERSON = "person"
# Values below it say "nothing to see"; a face would claim more.
FEWEST_CONFIDENCE = 0.3
# Sentiments below each are of the level; what lies between the middle two leans to no side.
_LEVELS = ((-0.5, 1), (-0.1, 2), (0.1, 3), (0.5, 4))


@dataclass(frozen=True, slots=True)
class Told:
    """`waits` is pending, deferred, failed, or "" when nothing waits; the rest names the judge."""

    waits: str = ""
    model: str = ""
    prompt_version: str = ""


@dataclass(frozen=True, slots=True)
class Analysis:
    """`status` is pending, done, deferred, failed or none; unknown names are ""."""

    status: str
    model: str
    prompt_version: str


# Keys of messages → what is known about each, absent for nothing.
Lookup = Callable[[Collection[int]], Mapping[int, Told]]
_lookup: list[Lookup] = []
_NOTHING = Told()


def register_lookup(lookup: Lookup) -> None:
    """Say who knows about analyses; call it in `AppConfig.ready`."""
    _lookup[:] = [lookup]


def analyses_of(messages: Sequence[Message]) -> dict[int, Analysis]:
    """Return how the analysis of each message stands, by key, in a fixed number of queries."""
    keys = [message.pk for message in messages]
    told = _lookup[0](keys) if _lookup and keys else {}
    return {message.pk: _analysis(message, told.get(message.pk, _NOTHING)) for message in messages}


def face_of(message: Message) -> int | None:
    """Return the level 1 to 5 of a message's sentiment; None where there is nothing to see."""
    is_sure = message.judged_by == PERSON or (message.confidence or 0) >= FEWEST_CONFIDENCE
    return sentiment_level(message.sentiment) if is_sure else None


def sentiment_level(sentiment: float | None) -> int | None:
    """Return the level 1 (very dissatisfied) to 5 of a sentiment."""
    if sentiment is None:
        return None
    return next((level for below, level in _LEVELS if sentiment < below), 5)


def _analysis(message: Message, told: Told) -> Analysis:
    if message.judged_by == PERSON:
        # What a person said counts, whatever still waits.
        return Analysis("done", "", "")
    if told.waits:
        return Analysis(told.waits, told.model, told.prompt_version)
    return Analysis("done" if message.judged_by else "none", told.model, told.prompt_version)
