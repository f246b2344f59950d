"""News of this app for the rest of the house: ids only, one event for a whole batch."""

from dataclasses import dataclass
from typing import ClassVar

from evosense.core.outbox import Event


@dataclass(frozen=True, slots=True)
class MessagesJudged(Event):
    """Messages have new production values, by an analyser or by a person."""

    topic: ClassVar[str] = "analytics.messages_judged"

    message_ids: list[int]
    conversation_ids: list[int]


@dataclass(frozen=True, slots=True)
class SearchSpaceChosen(Event):
    """The company chose who places its messages for the search by meaning."""

    topic: ClassVar[str] = "analytics.search_space_chosen"
