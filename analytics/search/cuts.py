"""From which similarity a hit is called medium or strong: measured in the company's own messages.

Spaces differ too much for one number: with the source schema's 0.7 most find nothing (ai.md §2.6).
"""

from datetime import timedelta

from django.utils import timezone

from analytics.models import EmbeddingModel
from evosense.core.schema import database_cursor

PAIRS = 2_000
FEWEST_PAIRS = 200
MEASURED_EVERY = timedelta(days=7)
# How far above the median of random pairs, in standard deviations of a normal spread, a similarity
# is medium and strong: its 99th and 99.9th percentile. Not the percentiles that are there: many
# companies' messages are the same form again and again, and those pairs would be the cut.
MEDIUM, STRONG = 2.326, 3.090
_UPPER_QUARTER = 0.6745
# Apart at least by this, so that "medium" is not empty where random pairs hardly vary.
APART = 0.05
HIGHEST = 0.95

_SAMPLE = """
WITH drawn AS MATERIALIZED (
  SELECT message_id FROM analytics_messageembedding WHERE model_id = %(space)s
  ORDER BY random() LIMIT %(most)s
), numbered AS MATERIALIZED (
  SELECT e.embedding, row_number() OVER () AS n FROM drawn d
  JOIN analytics_messageembedding e ON e.message_id = d.message_id AND e.model_id = %(space)s
), pairs AS (
  SELECT 1 - (a.embedding <=> b.embedding) AS similarity
  FROM numbered a JOIN numbered b ON b.n = a.n + 1 WHERE a.n %% 2 = 1
)
SELECT count(*), percentile_cont(ARRAY[0.5, 0.75]) WITHIN GROUP (ORDER BY similarity)
FROM pairs WHERE similarity < 0.999
"""


def measure_if_due(space: EmbeddingModel) -> bool:
    """Measure the cuts of a space once a week; False when it was not time or is too small."""
    if space.measured_at and timezone.now() - space.measured_at < MEASURED_EVERY:
        return False
    return measure(space)


def measure(space: EmbeddingModel) -> bool:
    """Measure the cuts of a space now; False while it has too few messages."""
    parameters = {"space": space.pk, "most": 2 * PAIRS}
    with database_cursor() as cursor:
        cursor.execute(_SAMPLE, parameters)
        pairs, found = cursor.fetchone()
    if pairs < FEWEST_PAIRS:
        return False
    median, upper = float(found[0]), float(found[1])
    spread = (upper - median) / _UPPER_QUARTER
    medium = min(max(median + MEDIUM * spread, 0.0), HIGHEST - APART)
    strong = min(max(median + STRONG * spread, medium + APART), HIGHEST)
    EmbeddingModel.objects.filter(pk=space.pk).update(
        medium_from=medium, strong_from=strong, measured_at=timezone.now()
    )
    return True
