"""The search: one ranked list out of words and meaning, and why each message is in it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

from analytics.models import EmbeddingModel
from analytics.search import engines, meaning, spaces, words
from analytics.search.query import Literal, Query, read_query
from evosense.core.errors import Invalid
from messaging.selectors.matches import MatchFilter, matching, places

MODES = ("meaning", "words", "combined")
# Of each list that is fused; what stands further down is no longer a hit.
FUSED = 60
# Reciprocal rank fusion: 1 / (60 + rank), as it was published and measured (ai.md §4.6).
RRF = 60
MOST = {"words": 300, "meaning": 100, "combined": 2 * FUSED}
# So many of the nearest are shown even where none is near.
FEWEST_NEAR = 10
REMEMBERED_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Request:
    """What is searched; `threshold` is the lowest similarity of hits that only meaning found."""

    query: str
    mode: str = "combined"
    filters: MatchFilter = field(default_factory=MatchFilter)
    is_newest_first: bool = False
    threshold: float | None = None
    # Whether the nearest are shown where none is near; counts leave them out.
    shows_weak: bool = True
    # Whether meaning alone decides: nothing literal goes first, no words stand in.
    is_strict: bool = False

    def within(self, start: datetime, end: datetime) -> "Request":
        """Return this search over a period only, for counting what it finds."""
        since = max(filter(None, (self.filters.since, start)))
        until = min(filter(None, (self.filters.until, end)))
        filters = replace(self.filters, since=since, until=until)
        return replace(self, filters=filters, shows_weak=False)


@dataclass(frozen=True, slots=True)
class Found:
    """The ranked messages of a search, before anything of them is read for showing.

    `unavailable` names why meaning was left out; "" when it was not asked for or took part.
    """

    query: Query
    mode: str
    pks: list[int]
    is_capped: bool
    literal: dict[int, Literal]
    said: frozenset[int]
    similarity: dict[int, float]
    space: EmbeddingModel | None
    vector: Any
    unavailable: str

    @property
    def misses_phrase(self) -> bool:
        """Tell whether nobody wrote what was quoted, and hits are only like it."""
        return bool(self.query.phrases and self.pks) and not self.literal


def find(request: Request, *, show_numbers: bool) -> Found:
    """Search; raises Invalid naming the field at fault. Must not run in a transaction."""
    if request.mode not in MODES:
        raise Invalid("invalid", _("There is no such mode."), field="mode")
    query = read_query(request.query)
    space, vector, unavailable = _placed(request, query)
    rows = matching(request.filters, show_numbers=show_numbers)
    narrowed = None if request.filters.is_empty else rows
    limit = MOST[request.mode]
    literal = {} if request.is_strict else words.literally(rows, query.literals)
    said = (
        []
        if request.mode == "meaning" and vector is not None
        else words.by_words(rows, query, limit if request.mode == "words" else FUSED)
    )
    # Other order numbers are not what somebody means by theirs, however near they lie.
    is_exact = request.mode == "combined" and query.is_exact and not request.is_strict
    near = {} if is_exact else _near(request, space, vector, narrowed)
    order = [*literal, *(pk for pk in fuse([said, list(near)]) if pk not in literal)]
    order = words.drop_excluded(order, query)
    order, is_capped = order[:limit], len(order) > limit or len(said) >= MOST["words"]
    seen = places(order)
    order = [pk for pk in order if pk in seen]
    if request.is_newest_first:
        order.sort(key=lambda pk: (seen[pk].occurred_at, pk), reverse=True)
    return Found(
        query=query,
        mode=request.mode,
        pks=order,
        is_capped=is_capped,
        literal=literal,
        said=frozenset(said),
        similarity=near,
        space=space,
        vector=vector,
        unavailable=unavailable,
    )


def fuse(lists: Sequence[Sequence[int]]) -> list[int]:
    """Return what is in the lists by reciprocal rank, best first; one list stays as it is."""
    scores: dict[int, float] = {}
    for one in lists:
        for rank, pk in enumerate(one, start=1):
            scores[pk] = scores.get(pk, 0.0) + 1 / (RRF + rank)
    return sorted(scores, key=lambda pk: -scores[pk])


def _placed(request: Request, query: Query) -> tuple[EmbeddingModel | None, Any, str]:
    """Return the space and the query's place in it; without them why, for modes that need them."""
    if request.mode == "words":
        return None, None, ""
    space = spaces.active_space()
    if space is None:
        return None, None, "nothing_placed"
    try:
        return space, _vector(space, query.text), ""
    except engines.PlacingFailed as error:
        return space, None, error.code


def _vector(space: EmbeddingModel, text: str) -> Any:
    """Return the place of a query, remembered for the next page and the next filter."""
    key = f"search:{space.pk}:{hashlib.sha256(text.encode()).hexdigest()}"
    known = cache.get(key)
    if known is None:
        placed = engines.place(space, [text], seconds=engines.QUERY_SECONDS)[0]
        known = np.asarray(placed, dtype=np.float32).tobytes()
        cache.set(key, known, REMEMBERED_SECONDS)
    return np.frombuffer(known, dtype=np.float32)


def _near(
    request: Request, space: EmbeddingModel | None, vector: Any, rows: Any
) -> dict[int, float]:
    """Return the nearest messages with how near they are, as far down as they count as hits."""
    if space is None or vector is None:
        return {}
    limit = FUSED if request.mode == "combined" else MOST["meaning"]
    found = meaning.nearest(space, vector, limit, rows=rows)
    if request.threshold is not None:
        return {pk: near for pk, near in found if near >= request.threshold}
    medium = spaces.cuts(space)[0]
    enough = sum(near >= medium for _pk, near in found)
    return dict(found[: max(enough, FEWEST_NEAR if request.shows_weak else 0)])
