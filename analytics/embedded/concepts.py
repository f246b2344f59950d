"""Words that mean the same thing to a service desk, in Portuguese, Spanish and English."""

import re
from functools import lru_cache
from importlib.resources import files

from analytics.embedded.text import tokens


def concepts(text: str) -> list[str]:
    """Return the names of the concepts that the text speaks of, each once, in order."""
    words = " " + " ".join(tokens(text)) + " "
    found = [name for name, pattern in _table() if pattern.search(words)]
    return list(dict.fromkeys(found))


@lru_cache(maxsize=1)
def _table() -> tuple[tuple[str, re.Pattern[str]], ...]:
    source = files("analytics.embedded") / "data" / "concepts.txt"
    return tuple(_row(line) for line in source.read_text("utf-8").splitlines() if _is_row(line))


def _is_row(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _row(line: str) -> tuple[str, re.Pattern[str]]:
    name, beginnings = line.split(":", 1)
    choices = "|".join(re.escape(word.replace("_", " ")) for word in beginnings.split())
    return name.strip(), re.compile(f" (?:{choices})")
