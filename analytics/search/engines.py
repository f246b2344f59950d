"""Texts to places in a space, whichever engine the space belongs to.

Engines are imported when they are first used: their weights take 180 MB, which only processes that
place texts should hold.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

from analytics.models import EmbeddingModel

REMOTE = "remote:"
# What counts of a very long text; its end would move its place anyway.
LONGEST = 4_000
# A batch may wait for a provider; a person who searches gets the words alone sooner.
BATCH_SECONDS, QUERY_SECONDS = 120.0, 6.0

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


def place(
    space: EmbeddingModel, texts: Sequence[str], *, seconds: float = BATCH_SECONDS
) -> Vectors:
    """Return float32 (n, 768) of unit length; raises PlacingFailed. Never in a transaction."""
    cut = [text[:LONGEST] for text in texts]
    if space.code.startswith(REMOTE):
        return _remotely(space, cut, seconds)
    return _engine(space.code)(cut)


def _engine(code: str) -> Callable[[Sequence[str]], Vectors]:
    from analytics.embedded import engines  # noqa: PLC0415

    try:
        return cast("Callable[[Sequence[str]], Vectors]", engines.engine(code))
    except KeyError as error:
        # Of another release; the space of this one's engine is being filled meanwhile.
        raise PlacingFailed("engine_gone") from error


def _remotely(space: EmbeddingModel, texts: Sequence[str], seconds: float) -> Vectors:
    from analytics.search import remote  # noqa: PLC0415

    try:
        return remote.place(space.code, texts, seconds=seconds)
    except remote.NotPlaced as error:
        raise PlacingFailed(error.code) from error
