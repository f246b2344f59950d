"""Needs and things that everyday words stand for, in Portuguese, Spanish and English."""

from functools import lru_cache
from importlib.resources import files

from analytics.embedded.text import tokens


def senses(text: str) -> set[str]:
    """Return the needs and things that the text names, each by the first word of its line."""
    table, longest = _table()
    words = " ".join(tokens(text)) + " "
    starts = [0, *(i + 1 for i, letter in enumerate(words[:-1]) if letter == " ")]
    found: set[str] = set()
    for start in starts:
        for end in range(start + 1, min(start + longest, len(words)) + 1):
            found.update(table.get(words[start:end], ()))
    return found


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, tuple[str, ...]], int]:
    """Return which lines each beginning stands in, and the longest beginning's length."""
    source = files("analytics.embedded") / "data" / "senses.txt"
    found: dict[str, tuple[str, ...]] = {}
    for line in source.read_text("utf-8").splitlines():
        beginnings = [] if line.startswith("#") else line.split()
        for written in beginnings:
            beginning = written.replace("_", " ").replace("$", " ")
            found[beginning] = (*found.get(beginning, ()), beginnings[0])
    return found, max(map(len, found))
