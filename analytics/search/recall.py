"""The weekly look whether the index still finds what an exact search finds, and what follows."""

from datetime import timedelta

import numpy as np
import structlog
from django.utils import timezone

from analytics.models import AiNotice, EmbeddingModel
from analytics.search import index, meaning
from evosense.core.schema import database_cursor

log = structlog.get_logger(__name__)

PROBES, NEIGHBOURS = 50, 20
ENOUGH = 0.95
MOST_EF_SEARCH = 400
CHECKED_EVERY = timedelta(days=7)

_PROBES = """
SELECT embedding::text FROM analytics_messageembedding WHERE model_id = %s
ORDER BY random() LIMIT %s
"""


def check_if_due(space: EmbeddingModel) -> float | None:
    """Check a space with an index once a week; returns the recall, None when nothing was done."""
    if not index.is_indexed(space):
        return None
    if space.recall_at and timezone.now() - space.recall_at < CHECKED_EVERY:
        return None
    return check(space)


def check(space: EmbeddingModel) -> float:
    """Measure the recall; where it is low search more of the index, at the cap make it anew."""
    recall = measure(space)
    while recall < ENOUGH and space.ef_search < MOST_EF_SEARCH:
        space.ef_search = min(2 * space.ef_search, MOST_EF_SEARCH)
        recall = measure(space)
    if recall < ENOUGH:
        index.rebuild_index(space)
        recall = measure(space)
    EmbeddingModel.objects.filter(pk=space.pk).update(
        recall=recall, recall_at=timezone.now(), ef_search=space.ef_search
    )
    _tell(space, recall)
    log.info("near_index_checked", space=space.pk, recall=recall, ef_search=space.ef_search)
    return recall


def measure(space: EmbeddingModel) -> float:
    """Return the share of the true nearest that the index finds, over random stored places."""
    with database_cursor() as cursor:
        cursor.execute(_PROBES, [space.pk, PROBES])
        probes = [np.fromstring(row[0][1:-1], sep=",", dtype=np.float32) for row in cursor]
    if not probes:
        return 1.0
    shares = [_share(space, probe) for probe in probes]
    return sum(shares) / len(shares)


def _share(space: EmbeddingModel, probe: object) -> float:
    exact = meaning.exact(space, probe, NEIGHBOURS)
    found = meaning.nearest(space, probe, NEIGHBOURS)
    # Equal texts are equally near: which of them is named says nothing about the index.
    farthest = exact[-1][1] - 1e-4
    return min(1.0, sum(similarity >= farthest for _pk, similarity in found) / len(exact))


def _tell(space: EmbeddingModel, recall: float) -> None:
    """Keep one open notice while the index misses too much."""
    opened = AiNotice.objects.filter(
        kind=AiNotice.Kind.RECALL, subject=space.code, closed_at__isnull=True
    )
    if recall >= ENOUGH:
        opened.update(closed_at=timezone.now())
        return
    detail = {"recall": round(recall, 3), "ef_search": space.ef_search}
    if not opened.update(detail=detail):
        AiNotice.objects.bulk_create(
            [AiNotice(kind=AiNotice.Kind.RECALL, subject=space.code, detail=detail)],
            ignore_conflicts=True,
        )
