"""Writing down what providers were asked: one row an attempt, with what it cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from django.utils import timezone

from analytics.analysis.budget import today
from analytics.analysis.items import Mark, storable
from analytics.analysis.prompts import Prompt
from analytics.analysis.settings import ai_settings
from analytics.models import ModelCall
from analytics.providers.chat import Attempt
from analytics.providers.prices import Price, cost_micros, price_of
from analytics.providers.refs import ProviderRef


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a call asks, about what, in which name; for every call of one judging."""

    ref: ProviderRef
    model: str
    prompt: Prompt
    purpose: str
    mark: Mark
    price: Price | None

    def cost(self, tokens_in: int, cached: int, tokens_out: int) -> int:
        return cost_micros(self.price, tokens_in, cached, tokens_out)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one operation took, over all of its attempts; `call_id` is its last one."""

    input_tokens: int = 0
    output_tokens: int = 0
    micros: int = 0
    latency_ms: int = 0
    call_id: int | None = None


NOTHING = Spent()


def asked_of(ref: ProviderRef, model: str, prompt: Prompt, purpose: str, mark: Mark) -> Asked:
    """Return whom to ask; an empty model is the provider's own."""
    model = model or ref.chat_model
    price = price_of(ref.id, model, today())
    return Asked(ref, model, prompt, purpose, mark, price)


def answered_lately(*, minutes: int = 3) -> bool:
    """Tell whether the provider in use answered just now: it is back, if it was away."""
    since = timezone.now() - timedelta(minutes=minutes)
    chosen = ai_settings().provider_id
    if chosen is None:
        return False
    rows = ModelCall.objects.filter(provider_id=chosen, created_at__gte=since)
    last = rows.order_by("-created_at", "-pk").values_list("error", flat=True).first()
    return last == ""


def spent_on(asked: Asked, attempts: Sequence[Attempt]) -> Spent:
    """Return what the attempts of one operation took; no call is written yet."""
    return Spent(
        input_tokens=sum(one.input_tokens for one in attempts),
        output_tokens=sum(one.output_tokens for one in attempts),
        micros=sum(_cost(asked, one) for one in attempts),
        latency_ms=sum(one.latency_ms for one in attempts),
    )


def write_calls(asked: Asked, attempts: Sequence[Attempt], *, items: int) -> Spent:
    """Keep the attempts of one operation and return what they took."""
    rows = ModelCall.objects.bulk_create(_row(asked, one, items) for one in attempts)
    return replace(spent_on(asked, attempts), call_id=rows[-1].pk if rows else None)


def _cost(asked: Asked, one: Attempt) -> int:
    return asked.cost(one.input_tokens, one.cached_tokens, one.output_tokens)


def _row(asked: Asked, one: Attempt, items: int) -> ModelCall:
    return ModelCall(
        purpose=asked.purpose,
        provider_id=asked.ref.id,
        provider_name=asked.ref.name,
        model_requested=asked.model,
        model_returned=storable(one.model_returned)[:120],
        prompt_version=asked.prompt.version,
        template_hash=asked.prompt.hash,
        run_id=asked.mark.run_id,
        arm_key=asked.mark.arm_key,
        items=items,
        input_tokens=one.input_tokens,
        cached_tokens=one.cached_tokens,
        output_tokens=one.output_tokens,
        is_estimated=one.is_estimated,
        cost_micros=_cost(asked, one),
        currency=asked.price.currency if asked.price else "BRL",
        latency_ms=one.latency_ms,
        attempt=one.attempt,
        http_status=one.http_status,
        error=one.error[:40],
        finish_reason=storable(one.finish_reason)[:40],
        structured=one.structured,
        repairs=one.repairs,
    )
