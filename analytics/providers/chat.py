"""Asking a model for an answer in JSON: ladder, repairs, retries, one re-ask, one deadline.

Call it outside transactions: it waits for a foreign server, up to the deadline.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from analytics.providers.asking import Asking, Question
from analytics.providers.attempts import Attempt
from analytics.providers.refs import ProviderRef, offers

__all__ = ["Attempt", "ChatOutcome", "ask"]

Status = Literal["ok", "invalid", "error", "timeout", "refused", "length"]


@dataclass(frozen=True, slots=True)
class ChatOutcome:
    """`data` only with status ok; `error` is a code of ours, "" with ok.

    `length`: the question or its answer is too long, so ask about less. `retry_after`: seconds
    until it is worth asking again, where that is known. Also ok answers need their items checked:
    ids, ranges, and whatever the schema's lists hold.
    """

    status: Status
    error: str = ""
    data: dict[str, Any] | None = None
    model_returned: str = ""
    attempts: tuple[Attempt, ...] = ()
    retry_after: float | None = None


def ask(
    ref: ProviderRef,
    *,
    model: str = "",
    system: str,
    user: str,
    schema: Mapping[str, Any],
    params: Mapping[str, Any] | None = None,
    deadline_seconds: float = 45.0,
    most_tokens: int | None = None,
) -> ChatOutcome:
    """Ask once for an object that fits `schema`; never raises for what the provider does.

    `model` "" means the provider's own; `params` may hold temperature, seed and max_tokens.
    `most_tokens` is what all attempts together may take: before one that could go beyond it the end
    is `overspent`. Redact the texts before: this sends what it is given.
    """
    if not (model or ref.chat_model):
        # Set up for embeddings alone.
        return ChatOutcome("error", "no_model")
    if model and not offers(ref, model):
        return ChatOutcome("error", "model_not_offered")
    question = Question(
        model=model or ref.chat_model,
        system=system,
        user=user,
        schema=schema,
        params=params or {},
    )
    asking = Asking(ref, question, deadline_seconds, most_tokens=most_tokens)
    end = asking.run()
    return ChatOutcome(
        status=end.status,
        error=end.error,
        data=end.data,
        model_returned=end.model,
        attempts=tuple(asking.attempts),
        retry_after=end.retry_after,
    )
