"""A provider as people see it; never its key, and of the house's not where they stand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.providers.capabilities import Capabilities, read_capabilities
from analytics.providers.models import Provider
from analytics.providers.refs import providers_for_tenant
from analytics.providers.rows import no_such_provider

__all__ = ["ProviderView", "problem_words", "provider_view", "provider_views"]


@dataclass(frozen=True, slots=True)
class LastTest:
    """What the last test found; steps of (name, error, milliseconds)."""

    steps: tuple[tuple[str, str, int], ...]
    is_right: bool
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProviderView:
    """`base_url` is "" for the house's; `problem` a code of ours, "" when all is well."""

    id: UUID
    name: str
    base_url: str
    is_own: bool
    is_local: bool
    is_active: bool
    country: str
    chat_model: str
    embedding_model: str
    transcription_model: str
    requests_per_minute: int | None
    tokens_per_minute: int | None
    key_saved_at: datetime | None
    has_key: bool
    checked_at: datetime | None
    problem: str
    is_resting: bool
    capabilities: Capabilities
    # None: never tested, or another server or model since.
    last_test: LastTest | None

    @property
    def is_matryoshka(self) -> bool:
        return self.capabilities.is_matryoshka


def provider_views() -> list[ProviderView]:
    """Return what the active company may ask, its own first."""
    return [view_of(row) for row in providers_for_tenant()]


def provider_view(provider_id: UUID, *, own: bool = False) -> ProviderView:
    """Return one provider that the active company may ask, or own; raises NotFound."""
    for view in provider_views():
        if view.id == provider_id and (view.is_own or not own):
            return view
    raise no_such_provider()


def view_of(row: Provider) -> ProviderView:
    is_own = row.tenant_id is not None
    until = row.breaker_until if row.breaker != Provider.Breaker.CLOSED else None
    return ProviderView(
        id=row.pk,
        name=row.name,
        base_url=row.base_url if is_own else "",
        is_own=is_own,
        is_local=row.is_local,
        is_active=row.is_active,
        country=row.country,
        chat_model=row.chat_model,
        embedding_model=row.embedding_model,
        transcription_model=row.transcription_model,
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        key_saved_at=row.key_saved_at if is_own else None,
        has_key=bool(row.key_origin),
        checked_at=row.checked_at,
        problem=row.problem,
        is_resting=until is not None and until > timezone.now(),
        capabilities=read_capabilities(row.capabilities),
        last_test=_last_test(row.capabilities.get("last_test")),
    )


def _last_test(stored: Any) -> LastTest | None:
    if not isinstance(stored, dict):
        return None
    steps = tuple((name, error, took) for name, error, took in stored.get("steps", ()))
    return LastTest(steps, bool(stored.get("is_right")), tuple(stored.get("models", ())))


def problem_words(code: str) -> str:
    """Return what a code means and what to do about it."""
    words = _words()
    return words.get(code, words["other"])


def level_words(level: str) -> str:
    """Return how answers are asked for, in words."""
    return {
        "json_schema": _("JSON by schema"),
        "tools": _("JSON by function call"),
        "json_object": _("JSON object"),
        "plain": _("JSON found in plain text"),
    }[level]


def _words() -> dict[str, str]:
    connection = _("The server does not answer. Check the address, or try again later.")
    answers = _("The server answers, but not as an OpenAI-compatible one. Check the address.")
    unusable = _("The model does not answer in JSON. Choose another model.")
    vectors = _("The embeddings cannot be used. Choose another embedding model.")
    return {
        "unauthorized": _("The provider refuses the key. Save a valid one."),
        "forbidden": _("The provider does not allow this key to use the model."),
        "not_found": _("The provider does not know the address or the model. Check both."),
        "quota": _("The account at the provider has no credit left."),
        "no_model": _("No model was named for this. Name one."),
        "model_not_offered": _("The house's provider does not offer this model."),
        "rate_limited": _("The provider asks to wait. Its limit for this key is used up."),
        "key_missing": _("The key did not come along with the archive. Save it again."),
        "key_of_other_host": _("The key was saved for another server. Save it again."),
        "no_provider": _("The provider was removed."),
        "provider_inactive": _("The provider is switched off."),
        "breaker_open": _("The provider failed several times and is given a rest."),
        "connect_failed": connection,
        "name_unknown": connection,
        "timed_out": connection,
        "overloaded": connection,
        "server_error": connection,
        "tls_failed": _("The server's certificate is not valid for this address."),
        "redirected": answers,
        "not_json": answers,
        "broken_answer": answers,
        "bad_request": _("The provider refuses the question. Check the name of the model."),
        "invalid_answer": unusable,
        "wrong_ids": unusable,
        "level_ignored": unusable,
        "length": unusable,
        "refusal": unusable,
        "overspent": _("The provider's answers took more tokens than were set aside for them."),
        "content_filter": _("The provider's filter refuses the question."),
        "too_many_dimensions": _(
            "The embeddings have more than 768 numbers and may not be cut. Choose another model, or"
            " say that this one may be cut."
        ),
        "wrong_count": vectors,
        "broken_vector": vectors,
        "wrong_dimensions": vectors,
        "other": _("The provider answered with an error."),
    }
