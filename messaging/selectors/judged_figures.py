"""What was judged of messages in a period, as figures; what says nothing counts in no mean."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Avg, Count, Q

from messaging.models import Message

# As the source system defined them.
POSITIVE_ABOVE, NEGATIVE_BELOW, SATISFIED_FROM = 0.1, -0.1, 70
# Values below this say "nothing to see" (analytics.values.FEWEST_CONFIDENCE).
FEWEST_CONFIDENCE = 0.3


@dataclass(frozen=True, slots=True)
class JudgedFigures:
    """Of the received messages; `counted` ones are sure enough for the means, None without any."""

    messages: int
    judged: int
    degraded: int
    by_people: int
    counted: int
    positive: int
    negative: int
    satisfied: int
    sentiment: float | None
    satisfaction: float | None


def judged_figures(*, start: datetime, end: datetime) -> JudgedFigures:
    """Return the figures of messages received from `start` up to, not including, `end`."""
    sure = Q(confidence__gte=FEWEST_CONFIDENCE)
    rows = Message.objects.filter(
        occurred_at__gte=start,
        occurred_at__lt=end,
        direction=Message.Direction.INBOUND,
        is_hidden=False,
    )
    found = rows.aggregate(
        messages=Count("pk"),
        judged=Count("pk", filter=~Q(judged_by="")),
        degraded=Count("pk", filter=Q(judged_by="degraded")),
        by_people=Count("pk", filter=Q(judged_by="person")),
        counted=Count("pk", filter=sure),
        positive=Count("pk", filter=sure & Q(sentiment__gt=POSITIVE_ABOVE)),
        negative=Count("pk", filter=sure & Q(sentiment__lt=NEGATIVE_BELOW)),
        satisfied=Count("pk", filter=sure & Q(satisfaction__gte=SATISFIED_FROM)),
        mean_sentiment=Avg("sentiment", filter=sure),
        mean_satisfaction=Avg("satisfaction", filter=sure),
    )
    sentiment, satisfaction = found.pop("mean_sentiment"), found.pop("mean_satisfaction")
    return JudgedFigures(
        **found,
        sentiment=sentiment,
        satisfaction=None if satisfaction is None else float(satisfaction),
    )
