"""What was said before a message: at most six messages, a day and some 800 tokens."""

import math
from collections.abc import Collection, Sequence

from analytics.values import Turn
from messaging.selectors.wordings import Said, said_before

MOST_MESSAGES, MOST_HOURS, MOST_TOKENS = 6, 24, 800
# Of Portuguese text.
CHARACTERS_PER_TOKEN = 3.6


def context_of(message_ids: Collection[int]) -> dict[int, list[Turn]]:
    """Return the turns before each message, oldest first; the nearest ones when they are long."""
    found = said_before(message_ids, at_most=MOST_MESSAGES, hours=MOST_HOURS)
    return {pk: _nearest(said) for pk, said in found.items()}


def turn_of(said: Said) -> Turn:
    return Turn("C" if said.is_inbound else "A", said.text)


def tokens_of(text: str) -> int:
    """Return about how many tokens a text is."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def _nearest(said: Sequence[Said]) -> list[Turn]:
    kept: list[Turn] = []
    left = MOST_TOKENS
    for one in reversed(said):
        left -= tokens_of(one.text)
        if left < 0:
            break
        kept.append(turn_of(one))
    return kept[::-1]
