"""One attempt of one request, as it is paid for and written down; never its content."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analytics.providers.prices import estimate_tokens

# What a server adds to our text (roles, tools) before it counts.
_ADDED = 2_000
# UTF-8 bytes of a character: no tokeniser makes more tokens than bytes.
_MOST_PER_CHARACTER = 4
# Reasoning is counted as output and is not shown; without a limit of ours it ends somewhere.
_MOST_OUTPUT = 200_000


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of an attempt; estimated where the server told none, or told what cannot be."""

    input_tokens: int
    cached_tokens: int
    output_tokens: int
    is_estimated: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """`latency_ms` of this HTTP request alone; `error` is a code of ours, "" when it worked."""

    http_status: int | None
    error: str
    latency_ms: int
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    is_estimated: bool = False
    finish_reason: str = ""
    # The rung of the ladder that was tried; "" for embeddings.
    structured: str = ""
    # 1 for the first request of an operation.
    attempt: int = 1
    repairs: int = 0
    model_returned: str = ""


def read_usage(data: Any, *, sent: int, answered: int, most_output: int | None = None) -> Usage:
    """Read `usage` of an answer; `sent` and `answered` are characters of the two texts.

    Numbers that are negative, absent or larger than any tokeniser makes of these texts are
    replaced by estimates: budgets are kept with them.
    """
    usage = data.get("usage") if isinstance(data, Mapping) else None
    usage = usage if isinstance(usage, Mapping) else {}
    asked = usage.get("prompt_tokens", usage.get("input_tokens"))
    said = usage.get("completion_tokens", usage.get("output_tokens", 0 if not answered else None))
    ceiling = max(most_output or _MOST_OUTPUT, answered * _MOST_PER_CHARACTER)
    is_true = _within(asked, int(sent > 0), sent * _MOST_PER_CHARACTER + _ADDED) and _within(
        said, int(answered > 0), ceiling
    )
    if not is_true:
        output = estimate_tokens("x" * answered)
        return Usage(estimate_tokens("x" * sent), 0, output, is_estimated=True)
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens", 0) if isinstance(details, Mapping) else 0
    return Usage(asked, cached if _within(cached, 0, asked) else 0, said, is_estimated=False)


def _within(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most
