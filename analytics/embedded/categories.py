"""What a conversation is about, in the words that providers and pages use for it."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from analytics.embedded.text import tokens

# People say first what they want; what follows often goes on to freight, payment, guarantees.
FIRST_COUNTS = 2


def categories() -> tuple[str, ...]:
    """Return the categories that can be found, the one that wins among equals first."""
    return tuple(dict.fromkeys(name for name, _weight, _pattern in _table()))


def category_of(texts: Sequence[str]) -> str:
    """Return the category that most of a customer's messages speak of; "" when none does."""
    counts: Counter[str] = Counter()
    for text in texts:
        found = named_in(text)
        times = 1 if counts else FIRST_COUNTS
        counts.update({name: weight * times for name, weight in found.items()})
    return max(categories(), key=lambda name: counts[name]) if counts else ""


def named_in(text: str) -> dict[str, int]:
    """Return the categories that a text names, each with the largest weight found for it."""
    words = " " + " ".join(tokens(text)) + " "
    found: dict[str, int] = {}
    for name, weight, pattern in _table():
        if pattern.search(words):
            found[name] = max(weight, found.get(name, 0))
    return found


@lru_cache(maxsize=1)
def _table() -> tuple[tuple[str, int, re.Pattern[str]], ...]:
    source = files("analytics.embedded") / "data" / "categories.txt"
    lines = source.read_text("utf-8").splitlines()
    return tuple(_row(line) for line in lines if line and not line.startswith("#"))


def _row(line: str) -> tuple[str, int, re.Pattern[str]]:
    name, weight, patterns = line.split(": ", 2)
    choices = "|".join(part.strip() for part in patterns.split(" ; "))
    return name, int(weight), re.compile(rf" (?:{choices})")
