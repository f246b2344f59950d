"""Texts to places in a space, whichever engine the space belongs to.

Engines are imported when they are first used: their weights take 180 MB, which only processes that
place texts should hold.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

from analytics.models import AiSettings, EmbeddingModel

REMOTE = "remote:"
# What counts of a very long text; its end would move its place anyway.
LONGEST = 4_000

Vectors = Any


class PlacingFailed(Exception):  # noqa: N818  (read as a sentence where raised)
    """A provider did not place the texts; `code` says why, for people and logs."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def default_code() -> str:
    """Return the code of the best embedded engine of this installation."""
    from analytics.embedded import engines  # noqa: PLC0415

    return str(engines.default_code())


def place(space: EmbeddingModel, texts: Sequence[str]) -> Vectors:
    """Return float32 (n, 768) of unit length; raises PlacingFailed. Never in a transaction."""
    cut = [text[:LONGEST] for text in texts]
    if space.code.startswith(REMOTE):
        return _remotely(space, cut)
    return _engine(space.code)(cut)


def _engine(code: str) -> Callable[[Sequence[str]], Vectors]:
    from analytics.embedded import engines  # noqa: PLC0415

    return cast("Callable[[Sequence[str]], Vectors]", engines.engine(code))


def _remotely(space: EmbeddingModel, texts: Sequence[str]) -> Vectors:
    from analytics.providers import embeddings, refs  # noqa: PLC0415

    try:
        ref = refs.provider_ref(space.provider_id)
    except refs.ProviderUnavailable as error:
        raise PlacingFailed(error.code) from error
    outcome = embeddings.embed(ref, _without_personal_data(texts))
    if outcome.vectors is None:
        raise PlacingFailed(outcome.error)
    return outcome.vectors


def _without_personal_data(texts: Sequence[str]) -> Sequence[str]:
    """Leave personal data out of what a provider gets, unless the company chose otherwise."""
    from analytics.redaction import redact  # noqa: PLC0415

    chosen = AiSettings.objects.filter(pk=1).values_list("redacts", flat=True).first()
    return texts if chosen is False else redact(texts, ()).texts


def remote_code(provider_id: Any, model: str) -> str:
    """Return the code of a provider's space; another version of how we ask is another space."""
    return f"{REMOTE}{provider_id}:{model}:1"[:160]
