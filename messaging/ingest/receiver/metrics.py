"""What the receiver tells Prometheus. No label holds anything a sender can choose."""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("receiver_requests", "Hook requests by answer.", ["answer"])
SECONDS = Histogram(
    "receiver_request_seconds",
    "Time from the request line to the answer.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 30.0),
)
FLAGS = Counter("receiver_flagged", "Stored events that are not processed as sent.", ["flag"])
STORED = Counter("receiver_stored", "Acknowledged events by where they were stored.", ["sink"])
GROUP = Histogram(
    "receiver_group_rows", "Rows in one commit.", buckets=(1, 2, 5, 10, 20, 50, 100, 200)
)
BREAKER = Gauge(
    "receiver_breaker_open", "1 while the database is avoided.", multiprocess_mode="max"
)
INFLIGHT = Gauge("receiver_inflight_bytes", "Body bytes held.", multiprocess_mode="livesum")
SPOOL_BYTES = Gauge("receiver_spool_bytes", "Bytes waiting on disk.", multiprocess_mode="max")
SPOOL_AGE = Gauge(
    "receiver_spool_oldest_seconds",
    "Age of the oldest waiting file; alarm above 300.",
    multiprocess_mode="max",
)
SPOOL_STALE = Gauge(
    "receiver_spool_stale", "1 when spooled events wait over 5 minutes.", multiprocess_mode="max"
)
DRAINED = Counter("receiver_drained", "Spooled events moved into the database.")
DAMAGED = Counter("receiver_spool_damaged", "Unreadable places or refused records of the spool.")
ROUTES = Gauge("receiver_routes", "Connections in the token table.", multiprocess_mode="max")
REFRESHED = Gauge(
    "receiver_routes_refreshed_timestamp_seconds",
    "When the token table was last read from the database.",
    multiprocess_mode="mostrecent",
)


@cache
def answered(name: str) -> Counter:
    """Return the request counter of one answer; looking a label up costs more than counting."""
    return REQUESTS.labels(name)
