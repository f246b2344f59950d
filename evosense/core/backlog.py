"""What is not done yet, counted by whoever does it.

Apps register a counter in `AppConfig.ready`; a kind that nobody does yet counts as 0.
"""

from collections.abc import Callable

from evosense.core.models import OutboxEvent
from evosense.core.schema import TenantRef, public_scope

# Counts for one tenant, or for the installation when it gets None.
Counter = Callable[[TenantRef | None], int]

KINDS = ("ingest", "parked", "outbox", "analysis", "media", "webhooks_out", "dead")
# These do not empty by waiting: the one is decided by people, the other by time.
LASTING = frozenset({"parked", "dead"})

_counters: dict[str, Counter] = {}


def register_backlog(kind: str, counter: Counter) -> None:
    """Have `counter` answer for one kind."""
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not one of {', '.join(KINDS)}")
    _counters[kind] = counter


def backlog(tenant: TenantRef | None = None) -> dict[str, int]:
    """Return the count of every kind, of one tenant or of all."""
    return {kind: _counters[kind](tenant) if kind in _counters else 0 for kind in KINDS}


def is_done(counts: dict[str, int]) -> bool:
    """Tell whether waiting longer would change nothing."""
    return not any(count for kind, count in counts.items() if kind not in LASTING)


def unpublished_events(tenant: TenantRef | None) -> int:
    """Count outbox events that the relay has not taken."""
    with public_scope():
        events = OutboxEvent.objects.filter(published_at=None)
        return (events.filter(tenant_id=tenant.id) if tenant else events).count()
