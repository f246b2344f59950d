"""Giving messages their places: new ones from the queue, old ones by walking down to the first.

Texts are placed outside transactions; a place is stored only together with the end of its waiting,
so that a worker may die anywhere.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest

from analytics.models import EmbeddingModel, MessageEmbedding
from analytics.search import engines, jobs, spaces, storing
from messaging.selectors.matches import keys_below
from messaging.selectors.wordings import wordings_of

log = structlog.get_logger(__name__)


def fill_queued(most: int = jobs.BATCH) -> int:
    """Place waiting messages; returns how many were taken, 0 when none may be taken now."""
    active = spaces.ensure_active()
    held = jobs.claim(most)
    if not held.attempts:
        return 0
    texts = _texts(held.message_ids)
    placed: list[tuple[EmbeddingModel, Mapping[int, Any]]] = []
    behind: list[EmbeddingModel] = []
    for space in spaces.filled_spaces():
        try:
            placed.append((space, _placed(space, texts)))
        except engines.PlacingFailed as error:
            log.warning("placing_failed", space=space.pk, code=error.code)
            if space.pk == active.pk:
                jobs.postpone(held)
                return 0
            behind.append(space)
    with transaction.atomic():
        _settle(held, placed, behind)
    return len(held.attempts)


def _settle(
    held: jobs.Claim,
    placed: Sequence[tuple[EmbeddingModel, Mapping[int, Any]]],
    behind: Sequence[EmbeddingModel],
) -> None:
    ended = jobs.finish(held)
    storing.forget(ended)
    for space, vectors in placed:
        storing.store(space, {pk: vector for pk, vector in vectors.items() if pk in ended})
    for space in behind:
        _reopen(space, max(ended, default=0))


def _reopen(space: EmbeddingModel, pk: int) -> None:
    """Have the walk begin again above a message that was not placed."""
    rows = EmbeddingModel.objects.filter(pk=space.pk, filled_down_to__isnull=False)
    rows.update(filled_down_to=Greatest(F("filled_down_to"), pk + 1))


def fill_older(space: EmbeddingModel, most: int = jobs.BATCH) -> bool:
    """Place the next messages that were there before the space, newest first; False at the end.

    How far it is lies in the space's row, moved by compare-and-set; raises PlacingFailed.
    """
    if space.filled_down_to == 0:
        return False
    keys = keys_below(space.filled_down_to, most)
    placed = MessageEmbedding.objects.filter(model_id=space.pk, message_id__in=keys)
    missing = set(keys) - set(placed.values_list("message_id", flat=True))
    vectors = _placed(space, _texts(missing))
    down_to = keys[-1] if len(keys) == most else 0
    with transaction.atomic():
        same = (
            Q(filled_down_to=space.filled_down_to)
            if space.filled_down_to
            else Q(filled_down_to__isnull=True)
        )
        moved = EmbeddingModel.objects.filter(same, pk=space.pk).update(filled_down_to=down_to)
        if moved:
            storing.store(space, vectors)
    return True


def _texts(message_ids: Any) -> dict[int, str]:
    return {one.message_id: one.text for one in wordings_of(message_ids)}


def _placed(space: EmbeddingModel, texts: Mapping[int, str]) -> dict[int, Any]:
    if not texts:
        return {}
    return dict(zip(texts, engines.place(space, list(texts.values())), strict=True))
