"""What a process remembers between requests: no test may meet what another one left there."""

from analytics.providers import windows
from evosense.core import ratelimit
from tenancy.db import tickets
from tenancy.selectors import announcements, brand, features, hosts


def forget_everything() -> None:
    """Drop it; what was rolled back, or belongs to another clock, would still be believed."""
    announcements.forget_announcements()
    brand.forget_looks()
    features.forget_here()
    hosts.forget_hosts()
    for memory in (tickets._known_weights, ratelimit._local, windows._local):  # noqa: SLF001
        memory.clear()
