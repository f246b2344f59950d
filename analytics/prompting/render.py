"""Filling a prompt: one pass over `{{name}}` of a closed set, and values are not looked at again.

No template engine: a customer who types `{{company}}` or `{% … %}` gets it back as typed. Messages
are never values of a prompt; they travel as JSON in a turn of their own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from analytics.models.choices import Emotion, Task, Tone
from analytics.prompting.schemas import CATEGORIES

VARIABLES: dict[str, frozenset[str]] = {
    Task.MESSAGE: frozenset({"company", "language", "today", "emotions", "tones"}),
    Task.CONVERSATION: frozenset({"company", "language", "today", "categories"}),
    Task.ROUTING: frozenset({"company", "language", "today"}),
    Task.REPLY: frozenset({"company", "language", "today", "agent"}),
}
_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
# Two opening braces with no variable after them, and a name before closing ones: JSON in a prompt
# may end in any number of braces, after its values.
_OPENING = re.compile(r"\{\{[^\n{}]{0,40}\}?")
_CLOSING = re.compile(r"\b([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Misspelt:
    """A variable that nobody will fill: the text as written, and its line from 1."""

    text: str
    line: int
    is_unknown: bool


def misspelt_variables(task: str, body: str) -> list[Misspelt]:
    """Return the variables that are unknown or not closed, each once, in their order."""
    known = VARIABLES[task]
    found = [
        (match.start(), match.group(1), True)
        for match in _VARIABLE.finditer(body)
        if match.group(1) not in known
    ]
    # Blanked, not taken out, so that places stay what they are.
    rest = _VARIABLE.sub(lambda match: " " * len(match.group()), body)
    found += [(match.start(), match.group().strip(), False) for match in _OPENING.finditer(rest)]
    for match in _CLOSING.finditer(rest):
        if match.group(1) in known and not any(0 <= match.start() - at < 44 for at, *_ in found):
            found.append((match.start(), match.group(), False))
    seen: dict[str, Misspelt] = {}
    for start, text, is_unknown in sorted(found):
        seen.setdefault(text, Misspelt(text, body.count("\n", 0, start) + 1, is_unknown))
    return list(seen.values())


def render(task: str, body: str, values: Mapping[str, str]) -> str:
    """Return `body` with its variables filled; one without a value becomes an empty text."""
    known = {**_constants(), **values}

    def value_of(match: re.Match[str]) -> str:
        name = match.group(1)
        return known.get(name, "") if name in VARIABLES[task] else match.group(0)

    return _VARIABLE.sub(value_of, body)


def _constants() -> dict[str, str]:
    return {
        "emotions": ", ".join(Emotion.values),
        "tones": ", ".join(Tone.values),
        "categories": ", ".join(CATEGORIES),
    }
