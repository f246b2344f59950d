"""The index of near neighbours: there when a space is large, gone when it is small.

Under 50,000 rows an exact scan answers in some 25 ms and misses nothing. pgvector's HNSW needs no
training, unlike IVFFlat, which finds 17 % when it is made on an empty table (ai.md §4.3).
"""

import structlog

from analytics.models import EmbeddingModel, MessageEmbedding
from evosense.core.locks import try_named_lock
from evosense.core.schema import current_schema, database_cursor

log = structlog.get_logger(__name__)

BUILT_ABOVE = 50_000
DROPPED_BELOW = 25_000
M, EF_CONSTRUCTION = 16, 128
# 5 kB a row, within these; the default of 64 MB makes the same index four times slower.
MEMORY_MB = (64, 2_048)

_STATE = """
SELECT i.indisvalid, c.reltuples FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relname = %s AND c.relnamespace = current_schema()::regnamespace
"""


def index_name(space: EmbeddingModel) -> str:
    """Return the name of a space's index."""
    return f"analytics_embedding_near_{int(space.pk)}"


def is_indexed(space: EmbeddingModel) -> bool:
    """Tell whether searches may use the index: it is there and its building came to its end."""
    return _state(space) is True


def indexed_rows(space: EmbeddingModel) -> int | None:
    """Return about how many rows a usable index has, None without one."""
    row = _row(space)
    return max(1, int(row[1])) if row and row[0] else None


def rows_of(space: EmbeddingModel) -> int:
    """Return how many places a space has."""
    return MessageEmbedding.objects.filter(model_id=space.pk).count()


def ensure_index(space: EmbeddingModel, *, above: int = BUILT_ABOVE) -> str:
    """Make or drop the index as the number of rows asks for; returns what was done, "" nothing.

    Must run outside a transaction. One process at a time builds in a company; others leave.
    """
    with try_named_lock(f"{current_schema()}:near_index") as got:
        if not got:
            return ""
        state, rows = _state(space), rows_of(space)
        if state is False:
            # Left behind by a build that was killed: it costs every insert and serves nobody.
            drop_index(space)
        if rows > above and state is not True:
            _build(space, rows)
            return "built"
        if rows < min(DROPPED_BELOW, above) and state is True:
            drop_index(space)
            return "dropped"
    return "dropped" if state is False else ""


def rebuild_index(space: EmbeddingModel) -> None:
    """Make the index anew; searches are exact meanwhile."""
    with try_named_lock(f"{current_schema()}:near_index") as got:
        if got:
            drop_index(space)
            _build(space, rows_of(space))


def drop_index(space: EmbeddingModel) -> None:
    """Drop the index of a space, if it has one."""
    if _state(space) is None:
        return
    with database_cursor() as cursor:
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index_name(space)}")
    log.info("near_index_dropped", space=space.pk)


def _build(space: EmbeddingModel, rows: int) -> None:
    memory = min(max(rows * 5 // 1_000, MEMORY_MB[0]), MEMORY_MB[1])
    with database_cursor() as cursor:
        try:
            cursor.execute("SET maintenance_work_mem = %s", [f"{memory}MB"])
            cursor.execute("SET max_parallel_maintenance_workers = 1")
            cursor.execute(
                f"CREATE INDEX CONCURRENTLY {index_name(space)} ON analytics_messageembedding"
                f" USING hnsw (embedding halfvec_cosine_ops)"
                f" WITH (m = {M}, ef_construction = {EF_CONSTRUCTION})"
                f" WHERE model_id = {int(space.pk)}"
            )
        finally:
            cursor.execute("RESET maintenance_work_mem")
            cursor.execute("RESET max_parallel_maintenance_workers")
    log.info("near_index_built", space=space.pk, rows=rows)


def _state(space: EmbeddingModel) -> bool | None:
    """Return whether the index is valid, None without one."""
    row = _row(space)
    return bool(row[0]) if row else None


def _row(space: EmbeddingModel) -> tuple[bool, float] | None:
    with database_cursor() as cursor:
        cursor.execute(_STATE, [index_name(space)])
        found: tuple[bool, float] | None = cursor.fetchone()
    return found
