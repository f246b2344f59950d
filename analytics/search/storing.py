"""Writing places: rows are inserted and deleted, never changed."""

from collections.abc import Collection, Mapping
from typing import Any

from analytics.models import EmbeddingModel, MessageEmbedding
from evosense.core.schema import database_cursor

# What was deleted since its words were read gets no place.
_STORE = """
INSERT INTO analytics_messageembedding (model_id, message_id, embedding)
SELECT %s, j.message_id, j.embedding::halfvec
FROM unnest(%s::bigint[], %s::text[]) AS j(message_id, embedding)
JOIN messaging_message m ON m.id = j.message_id AND m.deleted_at IS NULL
ON CONFLICT (model_id, message_id) DO NOTHING
"""


def store(space: EmbeddingModel, vectors: Mapping[int, Any]) -> None:
    """Insert places that are not there yet; one transaction with whatever says they are done."""
    if not vectors:
        return
    ids = sorted(vectors)
    with database_cursor() as cursor:
        cursor.execute(_STORE, [space.pk, ids, [as_text(vectors[pk]) for pk in ids]])


def forget(message_ids: Collection[int]) -> None:
    """Delete the places of messages in every space."""
    MessageEmbedding.objects.filter(message_id__in=message_ids).delete()


def as_text(vector: Any) -> str:
    """Return a vector as PostgreSQL reads it, as exact as half precision is."""
    return "[" + ",".join(f"{value:.5g}" for value in vector.tolist()) + "]"
