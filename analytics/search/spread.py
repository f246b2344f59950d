"""When and where the hits of a search are, for the bars beside the list."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from evosense.core.schema import current_tenant
from messaging.selectors.matches import connection_names, places

MOST_BARS = 18
MOST_CONNECTIONS = 6


@dataclass(frozen=True, slots=True)
class Step:
    """Hits from a day on, up to the next step."""

    start: date
    hits: int


@dataclass(frozen=True, slots=True)
class Where:
    name: str
    hits: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Steps are of equal length, `days` each, the last one up to today or the newest hit."""

    conversations: int
    steps: list[Step]
    days: int
    where: list[Where]


def spread(pks: Sequence[int]) -> Spread:
    """Return how hits spread over time, connections and conversations, in two queries."""
    found = list(places(pks).values())
    zone = ZoneInfo(current_tenant().timezone)
    lines = Counter(one.connection_id for one in found)
    names = connection_names(lines)
    days = sorted(one.occurred_at.astimezone(zone).date() for one in found)
    steps, length = _steps(days)
    return Spread(
        conversations=len({one.conversation_id for one in found}),
        steps=steps,
        days=length,
        where=[Where(names.get(pk, ""), hits) for pk, hits in lines.most_common(MOST_CONNECTIONS)],
    )


def _steps(days: Sequence[date]) -> tuple[list[Step], int]:
    if not days:
        return [], 1
    first, last = days[0], days[-1]
    length = max(1, -(-((last - first).days + 1) // MOST_BARS))
    number = (last - first).days // length + 1
    counts = Counter((day - first).days // length for day in days)
    return [
        Step(first + timedelta(index * length), counts[index]) for index in range(number)
    ], length
