"""The nearest messages to a place: exact where that is quick, by the index elsewhere.

With few rows left by filters an index of neighbours returns too little (3.5 of 20 were measured):
those are compared one by one instead. Statements are never prepared: a cached plan ignores
what is set for the transaction (ai.md §4.4); Django's default keeps it so.
"""

import json
from collections.abc import Collection
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import transaction
from django.db.models import QuerySet

from analytics.models import EmbeddingModel
from analytics.search import index
from analytics.search.storing import as_text
from evosense.core.schema import database_cursor

# So many rows are compared one by one in some 50 ms.
EXACT_UP_TO = 20_000
# What the index returns beyond what is asked for: rows that turn out to be deleted, and order.
SPARE = 3
MOST_SCANNED = 40_000
# What pgvector allows for hnsw.ef_search.
WIDEST = 1_000

Near = list[tuple[int, float]]

_EXACT = """
SELECT e.message_id, e.embedding <=> %s::halfvec AS distance
FROM analytics_messageembedding e WHERE e.model_id = {space}
ORDER BY distance LIMIT %s
"""
# No index has the order of a sum, so none can leave a row out; and unlike a materialised list of
# them no vector is copied, which took four times as long as the comparing.
_AMONG = """
SELECT e.message_id, (e.embedding <=> %s::halfvec) + 0 AS distance
FROM analytics_messageembedding e
WHERE e.model_id = {space} AND e.message_id IN ({rows})
ORDER BY distance LIMIT %s
"""
_BY_INDEX = """
WITH near AS MATERIALIZED (
  SELECT e.message_id, e.embedding <=> %s::halfvec AS distance
  FROM analytics_messageembedding e WHERE e.model_id = {space} {narrowed}
  ORDER BY distance LIMIT %s
)
SELECT message_id, distance FROM near ORDER BY distance + 0 LIMIT %s
"""
# The plan that walks the index and looks each message up; a sort or a hash would read them all.
_WALK = (
    "enable_seqscan",
    "enable_sort",
    "enable_hashjoin",
    "enable_mergejoin",
    "enable_bitmapscan",
)


def nearest(
    space: EmbeddingModel, vector: Any, limit: int, *, rows: "QuerySet[Any] | None" = None
) -> Near:
    """Return (message, similarity), nearest first; of `rows` where given, else of all.

    Without `rows` messages deleted since may be among them.
    """
    indexed = index.indexed_rows(space)
    if rows is None:
        return exact(space, vector, limit) if indexed is None else _by_index(space, vector, limit)
    try:
        return _narrowed(space, vector, limit, rows, indexed)
    except EmptyResultSet:  # A filter that matches nobody has no statement at all.
        return []


def _narrowed(
    space: EmbeddingModel, vector: Any, limit: int, rows: "QuerySet[Any]", indexed: int | None
) -> Near:
    left = estimate(rows) if indexed is not None else 0
    if indexed is None or left <= EXACT_UP_TO:
        return among(space, vector, limit, rows)
    # A filter that leaves half makes half of what the walk sees worthless.
    wider = min(WIDEST, int(space.ef_search * max(1.0, indexed / left)))
    return _by_index(space, vector, limit, rows=rows, width=wider)


def exact(space: EmbeddingModel, vector: Any, limit: int) -> Near:
    """Return the true nearest, by comparing every row."""
    sql = _EXACT.format(space=int(space.pk))
    return _ask(sql, [as_text(vector), limit], "enable_indexscan", "enable_bitmapscan")


# For the transaction only.
_SET = "SELECT set_config(%s, %s, true)"


def among(space: EmbeddingModel, vector: Any, limit: int, rows: "QuerySet[Any]") -> Near:
    """Return the true nearest of some messages: fetched first, so no index can hide any."""
    inner, parameters = _keys(rows)
    sql = _AMONG.format(space=int(space.pk), rows=inner)
    return _ask(sql, [as_text(vector), *parameters, limit])


def _by_index(
    space: EmbeddingModel,
    vector: Any,
    limit: int,
    *,
    rows: "QuerySet[Any] | None" = None,
    width: int = 0,
) -> Near:
    inner, parameters = _keys(rows) if rows is not None else ("", ())
    narrowed = f"AND e.message_id IN ({inner})" if inner else ""
    sql = _BY_INDEX.format(space=int(space.pk), narrowed=narrowed)
    wanted = [as_text(vector), *parameters, limit * SPARE, limit]
    with transaction.atomic():
        with database_cursor() as cursor:
            cursor.execute("SET LOCAL hnsw.iterative_scan = relaxed_order")
            cursor.execute(_SET, ["hnsw.max_scan_tuples", str(MOST_SCANNED)])
            cursor.execute(_SET, ["hnsw.ef_search", str(int(width or space.ef_search))])
        return _ask(sql, wanted, *_WALK)


def _ask(sql: str, parameters: Collection[Any], *switched_off: str) -> Near:
    with transaction.atomic(), database_cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        for name in switched_off:
            cursor.execute(_SET, [name, "off"])
        cursor.execute(sql, parameters)
        found = [(row[0], 1.0 - float(row[1])) for row in cursor.fetchall()]
        for name in switched_off:
            cursor.execute(_SET, [name, "on"])
    return found


def similarities(space: EmbeddingModel, vector: Any, pks: Collection[int]) -> dict[int, float]:
    """Return how near given messages are; those without a place are left out."""
    with database_cursor() as cursor:
        cursor.execute(
            "SELECT message_id, 1 - (embedding <=> %s::halfvec) FROM analytics_messageembedding"
            " WHERE model_id = %s AND message_id = ANY(%s)",
            [as_text(vector), space.pk, list(pks)],
        )
        return {row[0]: float(row[1]) for row in cursor.fetchall()}


def estimate(rows: "QuerySet[Any]") -> int:
    """Return about how many rows there are, as the planner sees it; counting would read them."""
    read = json.loads(rows.order_by().values("pk").explain(format="json"))
    return int(read[0]["Plan"]["Plan Rows"])


def _keys(rows: "QuerySet[Any]") -> tuple[str, tuple[Any, ...]]:
    sql, parameters = rows.order_by().values("pk").query.sql_with_params()
    return sql, tuple(parameters)
