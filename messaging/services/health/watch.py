"""The watch: due connections of all companies, looked at side by side, server after server.

A connection is claimed by moving its `watch_at` ahead; a watcher that dies only delays its looks.
Looks are shared out by server, and few at a time at one, so that a server that takes its time, or
never answers, holds up its own numbers and no others.
"""

import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import connections

from evosense.core import heartbeat
from evosense.core.metrics import LAST_STEP, STEP_DONE, STEP_FAILURES
from evosense.core.schema import TenantRef, database_cursor, public_scope, tenant_scope
from evosense.core.tracebacks import headline
from messaging.services.health.look import look
from tenancy.models import Tenant

log = structlog.get_logger(__name__)

THREADS = int(os.environ.get("EVOSENSE_WATCH_THREADS", "5"))
OF_ONE_SERVER = 3
AT_ONCE = 200
# Longer than a round, so that no connection is looked at twice at a time.
CLAIM = timedelta(seconds=90)
ROUND_SECONDS = 30.0
_PROCESS = "watch"

# Every route has a connection; lanes are otherwise made by the first send. Closed routes are left
# out: of a removed connection the lane is gone for good.
_ENSURE = """
INSERT INTO public.gateway_lane (connection_id, tenant_id, state, reason, watch_at)
SELECT r.id, r.tenant_id, 'open', '', now() FROM public.tenancy_webhookroute r
WHERE r.is_active AND NOT EXISTS (SELECT FROM public.gateway_lane l WHERE l.connection_id = r.id)
ON CONFLICT (connection_id) DO NOTHING
"""
# Numbered by company, so that a batch holds the first of each before anybody's second.
_CLAIM = """
UPDATE public.gateway_lane SET watch_at = now() + %s
WHERE connection_id IN (
    SELECT l.connection_id FROM public.gateway_lane l
    JOIN public.tenancy_tenant t ON t.id = l.tenant_id AND t.state = 'ready'
    WHERE l.watch_at <= now() ORDER BY l.watch_at LIMIT %s FOR UPDATE OF l SKIP LOCKED
)
RETURNING connection_id, tenant_id, server_id, watch_at
"""
# Whoever asked for an earlier look meanwhile gets it. A lane may not know its server yet.
_RETURN = """
UPDATE public.gateway_lane SET
    watch_at = CASE WHEN watch_at = %s THEN %s ELSE watch_at END,
    server_id = (SELECT s.id FROM public.gateway_evolutionserver s
                 JOIN messaging_connection c ON c.server_id = s.id WHERE c.public_id = %s)
WHERE connection_id = %s
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A connection that is to be looked at; `claimed` is the token of the claim."""

    connection_id: UUID
    tenant_id: UUID
    server_id: UUID | None
    claimed: datetime


class Rota:
    """Hands out what is due: a company after the other, at most so many of one server at a time."""

    def __init__(self, due: Iterable[Due], *, of_one_server: int = OF_ONE_SERVER) -> None:
        self._lines: dict[UUID | None, deque[Due]] = defaultdict(deque)
        for one in fairly(due):
            self._lines[one.server_id].append(one)
        self._order = deque(self._lines)
        self._busy: dict[UUID | None, int] = defaultdict(int)
        self._limit = of_one_server
        self._changed = threading.Condition()

    def take(self, until: float) -> Due | None:
        """Return the next one, waiting while only busy servers have some; None at the end."""
        with self._changed:
            while self._order and time.monotonic() < until:
                found = self._free()
                if found is not None:
                    return found
                self._changed.wait(0.2)
        return None

    def done(self, one: Due) -> None:
        with self._changed:
            self._busy[one.server_id] -= 1
            self._changed.notify()

    def _free(self) -> Due | None:
        for _ in range(len(self._order)):
            server = self._order[0]
            self._order.rotate(-1)
            if self._busy[server] < self._limit:
                found = self._lines[server].popleft()
                self._busy[server] += 1
                if not self._lines[server]:
                    self._order.remove(server)
                return found
        return None


def fairly(due: Iterable[Due]) -> list[Due]:
    """Order what is due so that each company comes once before any comes twice."""
    turns: dict[UUID, int] = defaultdict(int)
    numbered = []
    for place, one in enumerate(due):
        numbered.append((turns[one.tenant_id], place, one))
        turns[one.tenant_id] += 1
    return [one for _, _, one in sorted(numbered, key=lambda row: row[:2])]


def watch_round(*, threads: int = THREADS, act: Callable[[UUID], datetime] = look) -> int:
    """Look at everything that is due now; returns how many looks ended well."""
    due = claim()
    if not due:
        LAST_STEP.labels(_PROCESS).set_to_current_time()
        return 0
    tenants = _tenants({one.tenant_id for one in due})
    rota, until = Rota(due), time.monotonic() + ROUND_SECONDS
    with ThreadPoolExecutor(min(threads, len(due)), thread_name_prefix="watch") as pool:
        hands = [
            pool.submit(copy_context().run, _work, rota, tenants, until, act)
            for _ in range(min(threads, len(due)))
        ]
        done = sum(hand.result() for hand in hands)
    STEP_DONE.labels(_PROCESS).inc(done)
    LAST_STEP.labels(_PROCESS).set_to_current_time()
    return done


def claim(limit: int = AT_ONCE) -> list[Due]:
    """Take what is due; nobody else looks at it for the time of a claim."""
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_ENSURE)
        cursor.execute(_CLAIM, [CLAIM, limit])
        return [Due(*row) for row in cursor.fetchall()]


def _tenants(ids: set[UUID]) -> dict[UUID, TenantRef]:
    with public_scope():
        return {tenant.pk: tenant.ref for tenant in Tenant.objects.filter(pk__in=ids)}


def _work(
    rota: Rota, tenants: dict[UUID, TenantRef], until: float, act: Callable[[UUID], datetime]
) -> int:
    done = 0
    try:
        while (one := rota.take(until)) is not None:
            heartbeat.beat()
            try:
                done += _look(one, tenants.get(one.tenant_id), act)
            finally:
                rota.done(one)
    finally:
        connections.close_all()
    return done


def _look(one: Due, tenant: TenantRef | None, act: Callable[[UUID], datetime]) -> int:
    if tenant is None:
        return 0
    try:
        with tenant_scope(tenant):
            again = act(one.connection_id)
            with database_cursor() as cursor:
                key = one.connection_id
                cursor.execute(_RETURN, [one.claimed, again, key, key])
    except Exception as error:  # noqa: BLE001  one number's bug must not blind the others
        # The claim runs out by itself, and the next look tries again.
        STEP_FAILURES.labels(_PROCESS).inc()
        log.warning("watch.look_failed", error=headline(error), connection=str(one.connection_id))
        connections.close_all()
        return 0
    return 1
