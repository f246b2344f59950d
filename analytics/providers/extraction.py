"""JSON out of what a model wrote: alone, in a code fence, or somewhere in its prose."""

import re
from typing import Any

import orjson

_FENCE = re.compile(r"```(?:json|JSON)?\s*(.*?)```", re.DOTALL)
# Opening brackets that are tried as the beginning; prose may hold some of its own.
_TRIES = 5
# A scan in Python: what is longer is no answer to what we ask.
_LONGEST = 300_000
_CLOSING = {"{": "}", "[": "]"}


def read_json(text: str) -> tuple[Any, bool]:
    """Return what `text` holds and whether it had to be dug out; raises ValueError without any."""
    try:
        return orjson.loads(text), False
    except orjson.JSONDecodeError:
        pass
    text = text[:_LONGEST]
    for fenced in _FENCE.findall(text):
        try:
            return orjson.loads(fenced), True
        except orjson.JSONDecodeError:
            continue
    return _first_balanced(text), True


def _first_balanced(text: str) -> Any:
    tries, start = 0, 0
    while tries < _TRIES:
        start = _next_opening(text, start)
        if start < 0:
            break
        end = _end_of(text, start)
        if end < 0:
            start += 1
            tries += 1
            continue
        try:
            return orjson.loads(text[start:end])
        except orjson.JSONDecodeError:
            start += 1
            tries += 1
    raise ValueError("no JSON")


def _next_opening(text: str, start: int) -> int:
    places = [place for sign in _CLOSING if (place := text.find(sign, start)) >= 0]
    return min(places, default=-1)


def _end_of(text: str, start: int) -> int:
    """Return where the value that begins at `start` is closed; -1 when it never is."""
    waiting: list[str] = []
    is_text = is_escaped = False
    for place in range(start, len(text)):
        sign = text[place]
        if is_text:
            is_text = is_escaped or sign != '"'
            is_escaped = sign == "\\" and not is_escaped
        elif sign == '"':
            is_text = True
        elif sign in _CLOSING:
            waiting.append(_CLOSING[sign])
        elif sign in "}]":
            if not waiting or waiting.pop() != sign:
                return -1
            if not waiting:
                return place + 1
    return -1
