"""What an answer that is no answer means: our code, whether to try again, what to change.

Not every 400 is about a parameter: too wide a rule sent servers down the ladder for texts that
were too long. Only an error that names the parameter repairs it (ai.md §1.2).
"""

import re
from collections.abc import Mapping
from typing import Any

# Trying the same again may help.
PASSING = frozenset(
    {
        "connect_failed", "name_unknown", "timed_out", "broken_answer", "server_error",
        "overloaded", "rate_limited", "conflict", "not_json",
    }
)  # fmt: skip
# Somebody has to change something first; every further request would only be refused.
FINAL = frozenset({"unauthorized", "forbidden", "not_found", "quota"})
# The server is at fault, not the text that it was asked about.
OF_THE_SERVER = frozenset(PASSING - {"rate_limited"} | {"tls_failed", "redirected"})
# Not brought about by what one asker wants of it (a model, a long answer): a rest for everybody.
OF_EVERYBODY = frozenset(
    {
        "unauthorized", "quota", "connect_failed", "name_unknown", "tls_failed", "server_error",
        "overloaded",
    }
)  # fmt: skip
# Of the text: shorter questions may pass.
TOO_LONG = frozenset({"too_long", "too_large"})
# The server may have done its work, and asks for money, although nothing usable came back.
MAYBE_CHARGED = frozenset({"timed_out", "broken_answer", "too_large", "not_json"})
# The repairs, by the words of a server that does not know a parameter.
_NAMES = (
    ("dimensions", re.compile(r"\bdimensions?\b|matryoshka", re.IGNORECASE)),
    ("max_tokens", re.compile(r"\bmax_(completion_)?tokens\b", re.IGNORECASE)),
    ("temperature", re.compile(r"\btemperature\b", re.IGNORECASE)),
    ("seed", re.compile(r"\bseed\b", re.IGNORECASE)),
    (
        "structured",
        re.compile(
            r"response_format|json_schema|json_object|\bstrict\b|\btools?\b|tool_choice"
            r"|function.?call",
            re.IGNORECASE,
        ),
    ),
)
_TOO_LONG = re.compile(r"context.length|maximum context|too many tokens|too long", re.IGNORECASE)
_FILTERED = re.compile(r"content.?(filter|policy)|responsible.?ai", re.IGNORECASE)
_QUOTA = re.compile(r"insufficient_quota|billing_hard_limit|credit balance", re.IGNORECASE)
_BY_STATUS = {
    401: "unauthorized",
    402: "quota",
    403: "forbidden",
    404: "not_found",
    408: "timed_out",
    409: "conflict",
    413: "too_long",
    425: "conflict",
    429: "rate_limited",
    503: "overloaded",
    529: "overloaded",
}
# Longer explanations are not read: the server decides how long they are.
_LONGEST_TEXT = 4_000


def error_of(status: int, data: Any) -> str:
    """Return our code for an answer that is not 200; `data` is its parsed body, if any."""
    text = text_of(data)
    if status == 429 and _QUOTA.search(text):
        return "quota"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if not 400 <= status < 500:
        return "server_error" if status >= 500 else "redirected"
    return _of_the_text(text)


def parameter_at_fault(status: int | None, data: Any) -> str:
    """Return which repair a 400 or 422 asks for (structured, max_tokens, …), or ""."""
    if status not in {400, 422}:
        return ""
    text = text_of(data)
    if _of_the_text(text) != "bad_request":
        return ""
    named = _field(data, "param")
    # Its own field says it best; the sentence may mention others, as what to use instead.
    for words in (named, text):
        for repair, pattern in _NAMES:
            if words and pattern.search(words):
                return repair
    return ""


def _of_the_text(text: str) -> str:
    if _TOO_LONG.search(text):
        return "too_long"
    return "content_filter" if _FILTERED.search(text) else "bad_request"


def text_of(data: Any) -> str:
    """Return the words of an error for looking something up in them; never to be shown."""
    error = data.get("error", data) if isinstance(data, Mapping) else data
    if isinstance(error, Mapping):
        parts = [error.get(name) for name in ("code", "type", "param", "message", "detail")]
        return " ".join(str(part) for part in parts if part)[:_LONGEST_TEXT]
    return str(error or "")[:_LONGEST_TEXT]


def _field(data: Any, name: str) -> str:
    error = data.get("error") if isinstance(data, Mapping) else None
    found = error.get(name) if isinstance(error, Mapping) else None
    return found if isinstance(found, str) else ""
