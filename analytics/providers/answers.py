"""What a chat answer says: its words, why it ended, and the JSON in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from analytics.providers.extraction import read_json
from analytics.providers.plain import plain
from analytics.providers.shape import bare_schema, faults_of, fits_outside, wrapped


@dataclass(frozen=True, slots=True)
class Said:
    """The first choice of an answer; `text` is the tool's arguments when a tool was called."""

    text: str = ""
    finish_reason: str = ""
    is_refusal: bool = False
    model: str = ""
    # False: the body is no chat answer at all.
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Understood:
    """`data` is set when it can be used; `is_exact` when the level was obeyed to the letter."""

    data: dict[str, Any] | None
    is_exact: bool
    faults: list[str] = field(default_factory=list)
    repairs: int = 0


def said_in(data: Any) -> Said:
    """Read the parsed body of a chat answer, whatever it holds."""
    if not isinstance(data, Mapping):
        return Said(is_whole=False)
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, Mapping) else None
    if not isinstance(choice, Mapping) or not isinstance(message, Mapping):
        return Said(is_whole=False)
    reason = plain(choice.get("finish_reason"), 40)
    return Said(
        text=_tool_arguments(message) or _content(message),
        finish_reason=reason,
        is_refusal=reason == "content_filter" or bool(_text(message.get("refusal"))),
        model=plain(data.get("model"), 120),
    )


def understand(text: str, schema: Mapping[str, Any]) -> Understood:
    """Find the JSON in `text` and hold it against `schema`.

    Elements of lists are left to whoever reads them (one bad item must not cost its neighbours);
    `is_exact` and `faults` tell of them all the same.
    """
    wanted = bare_schema(schema)
    try:
        value, was_dug = read_json(text)
    except ValueError:
        return Understood(None, is_exact=False)
    whole = wrapped(value, wanted)
    faults = faults_of(whole, wanted)
    repairs = int(was_dug) + int(whole is not value)
    if not isinstance(whole, dict) or not fits_outside(whole, wanted):
        return Understood(None, is_exact=False, faults=faults)
    return Understood(whole, is_exact=not faults and not repairs, faults=faults, repairs=repairs)


def _tool_arguments(message: Mapping[str, Any]) -> str:
    calls = message.get("tool_calls")
    call = calls[0] if isinstance(calls, list) and calls else None
    function = call.get("function") if isinstance(call, Mapping) else None
    arguments = function.get("arguments") if isinstance(function, Mapping) else None
    if isinstance(arguments, Mapping):
        # Some servers parse them already.
        return orjson.dumps(arguments).decode()
    return _text(arguments)


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, Mapping)]
        return "".join(_text(part) for part in parts)
    return _text(content)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
