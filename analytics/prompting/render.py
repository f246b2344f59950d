"""Filling a prompt: one pass over `{{name}}` of a closed set, and values are not looked at again.

No template engine: a customer who types `{{company}}` or `{% … %}` gets it back as typed. Messages
are never values of a prompt; they travel as JSON in a turn of their own.
"""

import re
from collections.abc import Mapping

from analytics.models.choices import Emotion, Task, Tone
from analytics.prompting.schemas import CATEGORIES

VARIABLES: dict[str, frozenset[str]] = {
    Task.MESSAGE: frozenset({"company", "language", "today", "emotions", "tones"}),
    Task.CONVERSATION: frozenset({"company", "language", "today", "categories"}),
    Task.ROUTING: frozenset({"company", "language", "today"}),
    Task.REPLY: frozenset({"company", "language", "today", "agent"}),
}
_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


def unknown_variables(task: str, body: str) -> list[str]:
    """Return the names that a body asks for and nobody will give, in their order."""
    asked = dict.fromkeys(_VARIABLE.findall(body))
    return [name for name in asked if name not in VARIABLES[task]]


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
