"""How many messages servers have of their numbers, asked once for all numbers of a server.

Evolution counts by a relation count of Prisma, which goes through the whole table of messages
whether it is asked for one instance or for all (prisma/orm#23669). So one answer serves every
number of the server for some seconds.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from uuid import UUID

from django.utils import timezone

from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import evolution
from messaging.gateway.client.instance import Instance
from messaging.gateway.client.timing import PROBE_SECONDS
from messaging.gateway.servers import Unreachable, admin_of, server_row

# An answer serves as long; the promise of a minute counts with it (`test_silent_cuts`).
KEPT = 15.0
# A server whose numbers are no more than this is asked for each: it may have many of others.
FEW = 1
# Numbers that were not asked for since are not of this process any more.
REMEMBERED = 120.0
# How long a server that did not give all at once is asked for each number.
ALONE_FOR = 300.0


@dataclass(slots=True)
class _Server:
    """What is known of a server. `lock` is held while it is asked, so that others wait."""

    lock: Lock = field(default_factory=Lock)
    asked: dict[str, float] = field(default_factory=dict)
    told_at: float = float("-inf")
    at: datetime | None = None
    counts: dict[str, int | None] = field(default_factory=dict)
    alone_until: float = float("-inf")


class Counts:
    """Answers of this process, shared by its threads; holds numbers of messages and no keys."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._servers: dict[UUID, _Server] = defaultdict(_Server)

    def of(self, instance: Instance) -> tuple[datetime, int | None]:
        """Return when the server counted, and how many; None when it does not tell.

        Network; never in a transaction. Raises EvolutionError, Unreachable.
        """
        known = self._servers[instance.server_id]
        with known.lock:
            now = self._clock()
            known.asked[instance.name] = now
            if self._are_many(known, now) and now - known.told_at > KEPT:
                self._ask_all(known, instance)
            if (
                known.at is not None
                and now - known.told_at <= KEPT
                and instance.name in known.counts
            ):
                return known.at, known.counts[instance.name]
        at = timezone.now()
        return at, evolution().stored_messages(instance, seconds=PROBE_SECONDS)

    def _are_many(self, known: _Server, now: float) -> bool:
        known.asked = {name: at for name, at in known.asked.items() if now - at < REMEMBERED}
        return len(known.asked) > FEW and now >= known.alone_until

    def _ask_all(self, known: _Server, instance: Instance) -> None:
        at = timezone.now()
        try:
            admin = admin_of(server_row(instance.server_id))
            found = evolution().fetch_instances(admin, seconds=PROBE_SECONDS)
        except (EvolutionError, Unreachable):
            # Without the server's own key, or with more instances than it can list in time.
            known.alone_until = self._clock() + ALONE_FOR
            return
        known.at, known.told_at = at, self._clock()
        known.counts = {one.name: one.messages for one in found}


shared = Counts()
