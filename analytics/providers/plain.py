"""Names and words of foreign servers, made fit for our columns."""

from typing import Any

# Nothing is looked at beyond: the server decides how long its words are.
_FAR_ENOUGH = 1_000


def plain(value: Any, longest: int) -> str:
    """Return up to `longest` printable characters of a text; "" for whatever is none.

    Text columns and jsonb refuse NUL; other control characters have no place in a name.
    """
    if not isinstance(value, str):
        return ""
    return "".join(one for one in value[:_FAR_ENOUGH] if one.isprintable())[:longest]
