"""What the sender tells Prometheus."""

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

from evosense.core.metrics import Reading, register_gauge
from evosense.core.schema import database_cursor, public_scope

SENDS = Counter(
    "evosense_sends", "Attempts to send, by what is known of their outcome.", ["outcome"]
)
CALL_SECONDS = Histogram(
    "evosense_send_call_seconds",
    "Time that servers took to answer a send.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0),
)
WAITED_SECONDS = Histogram(
    "evosense_send_waited_seconds",
    "Time from the moment a message was due to its intent.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 600.0),
)
CHECKS = Counter(
    "evosense_send_checks", "Looks for messages whose outcome was unknown, by result.", ["result"]
)
ACTIVE = Gauge(
    "evosense_sender_lanes",
    "Lanes that this process holds.",
    multiprocess_mode="livesum",
)

_LANES = """
SELECT CASE WHEN state = 'open' AND due_at <= now() THEN 'due' ELSE state END, count(*)
FROM public.gateway_lane GROUP BY 1
"""
_LATE = """
SELECT coalesce(extract(epoch FROM now() - min(due_at)), 0) FROM public.gateway_lane
WHERE due_at <= now() AND state = 'open' AND (lease_until IS NULL OR lease_until < now())
"""


def lanes_by_state() -> Iterable[Reading]:
    """Read how many lanes are in each state; open ones with something to do count as due."""
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_LANES)
        found = dict(cursor.fetchall())
    return [
        ((state,), found.get(state, 0)) for state in ("due", "open", "held", "paused", "tripped")
    ]


def seconds_late() -> Iterable[Reading]:
    """Read for how long the lane has waited that waits longest for a sender."""
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_LATE)
        return [((), float(cursor.fetchone()[0]))]


def register() -> None:
    register_gauge("sending_lanes", "Sending lanes by state.", lanes_by_state, ("state",))
    register_gauge("sending_late_seconds", "Longest wait of a due lane for a sender.", seconds_late)
