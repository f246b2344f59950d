"""Request validation with the texts of Evolution's JSON schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from messaging.simulator.errors import invalid

TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "number": (int, float),
    "integer": int,
    "array": list,
    "object": dict,
}
Rule = dict[str, str]
"""Field to type; a question mark before the type makes the field optional."""


def check(body: Any, rule: Rule, where: str = "instance") -> Mapping[str, Any]:
    """Return the body, or answer 400 with every problem at once."""
    if not isinstance(body, dict):
        raise invalid(f"{where} is not of a type(s) object")
    problems = [text for name, kind in rule.items() if (text := _problem(body, name, kind, where))]
    if problems:
        raise invalid(*problems)
    return body


def _problem(body: Mapping[str, Any], name: str, kind: str, where: str) -> str:
    optional = kind.startswith("?")
    kind = kind.removeprefix("?")
    if name not in body:
        return "" if optional else f'{where} requires property "{name}"'
    value = body[name]
    fits = isinstance(value, TYPES[kind]) and not (
        kind in {"number", "integer"} and isinstance(value, bool)
    )
    if not fits:
        return f"{where}.{name} is not of a type(s) {kind}"
    if kind == "string" and not value and not optional:
        return f"{where}.{name} does not meet minimum length of 1"
    return ""
