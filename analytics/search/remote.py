"""Places from a provider: without personal data, within the budget, every attempt written down."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from analytics.analysis import budget
from analytics.analysis.paid import counted, why_uncountable
from analytics.analysis.settings import ai_settings
from analytics.models import ModelCall
from analytics.models.choices import Purpose
from analytics.providers.attempts import Attempt
from analytics.providers.embeddings import embed
from analytics.providers.prices import Price, cost_micros, estimate_tokens, price_of
from analytics.providers.refs import ProviderRef, ProviderUnavailable, provider_ref
from analytics.redaction import redact

PREFIX = "remote:"
# Of how we ask: texts are redacted one by one. Another way of asking is another space.
VERSION = "1"


class NotPlaced(Exception):  # noqa: N818  (read as a sentence where raised)
    """The provider did not place the texts; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def code_of(provider_id: UUID, model: str) -> str:
    """Return the code of a provider's space."""
    return f"{PREFIX}{provider_id}:{model}:{VERSION}"


def provider_of(code: str) -> str:
    """Return the provider's id of a space's code."""
    return code.split(":")[1]


def place(code: str, texts: Sequence[str], *, seconds: float) -> Any:
    """Return float32 (n, 768); raises NotPlaced. Never in a transaction."""
    try:
        ref = provider_ref(provider_of(code))
    except ProviderUnavailable as error:
        raise NotPlaced(error.code) from error
    # The space's own model: the provider may be set to another one by now.
    model = code.removeprefix(f"{PREFIX}{provider_of(code)}:").rsplit(":", 1)[0]
    settings = ai_settings()
    sent = [redact([text]).texts[0] for text in texts] if settings.redacts else list(texts)
    price = price_of(ref.id, model, timezone.localdate())
    tokens = sum(map(estimate_tokens, sent))
    refusal = why_uncountable(price, settings, is_local=ref.is_local)
    if refusal:
        raise NotPlaced(refusal)
    micros = counted(price, settings, cost_micros(price, tokens, 0, 0))
    held = budget.reserve(settings, "all", tokens=tokens, micros=micros)
    if held is None:
        raise NotPlaced("budget_exhausted")
    attempts: tuple[Attempt, ...] = ()
    try:
        outcome = embed(ref, sent, model=model, deadline_seconds=seconds)
        attempts = outcome.attempts
    finally:
        used = sum(one.input_tokens for one in attempts)
        _write_calls(ref, model, price, attempts, len(texts))
        cost = counted(price, settings, cost_micros(price, used, 0, 0))
        budget.settle(held, settings, tokens=used, micros=cost)
    if outcome.vectors is None:
        raise NotPlaced(outcome.error)
    return outcome.vectors


def _write_calls(
    ref: ProviderRef, model: str, price: Price | None, attempts: Sequence[Attempt], items: int
) -> None:
    ModelCall.objects.bulk_create(
        ModelCall(
            purpose=Purpose.EMBEDDING,
            provider_id=ref.id,
            provider_name=ref.name,
            model_requested=model,
            model_returned=one.model_returned[:120],
            items=items,
            input_tokens=one.input_tokens,
            is_estimated=one.is_estimated,
            cost_micros=cost_micros(price, one.input_tokens, 0, 0),
            currency=price.currency if price else "BRL",
            latency_ms=one.latency_ms,
            attempt=one.attempt,
            http_status=one.http_status,
            error=one.error[:40],
        )
        for one in attempts
    )
